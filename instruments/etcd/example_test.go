package etcd_test

import (
	"context"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/telltale-agent/telltale/instruments"
	"github.com/telltale-agent/telltale/instruments/etcd"
	"github.com/telltale-agent/telltale/instruments/instrumentstest"
)

// The official client takes the interceptors in its configuration:
//
//	clientv3.New(clientv3.Config{Endpoints: endpoints, DialOptions: options})
//
// Here they go to a plain connection, as the client would hand them on.
func ExampleDialOptions() {
	var registry *instruments.Registry // agent.Instruments()
	options := etcd.DialOptions(registry, etcd.WatchOptions{
		Resource: etcd.ByPrefix(map[string]string{"/users/": "user", "/roles/": "role"}),
	})

	options = append(options, grpc.WithTransportCredentials(insecure.NewCredentials()))
	conn, err := grpc.NewClient("127.0.0.1:2379", options...)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = conn.Close() }()
	fmt.Println("ready to ask", conn.Target())
	// Output: ready to ask 127.0.0.1:2379
}

// A request passes through the interceptor as if it were not there, and is
// counted when it ends.
func ExampleUnaryInterceptor() {
	exit := instrumentstest.Open() // a program has an agent: agent.Instruments()
	defer exit.Close()

	intercept := etcd.UnaryInterceptor(exit.Registry)
	err := intercept(context.Background(), "/etcdserverpb.KV/Range", nil, nil, nil,
		func(_ context.Context, method string, _, _ any, _ *grpc.ClientConn, _ ...grpc.CallOption) error {
			fmt.Println(method)
			return nil
		})
	fmt.Println(err)
	fmt.Print(exit.Show("etcd_backend"))
	// Output:
	// /etcdserverpb.KV/Range
	// <nil>
	// etcd_backend_read_requests 1
	// etcd_backend_read_seconds_count 1
}

func ExampleByPrefix() {
	resource := etcd.ByPrefix(map[string]string{
		"/users/":         "user",
		"/users/service/": "bot",
	})
	fmt.Println(resource([]byte("/users/alice")))
	fmt.Println(resource([]byte("/users/service/ci")))
	fmt.Println(resource([]byte("/tokens/1")))
	// Output:
	// user
	// bot
	// unknown
}
