package inventory_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"

	"github.com/telltale-agent/telltale/instruments"
	"github.com/telltale-agent/telltale/instruments/instrumentstest"
	"github.com/telltale-agent/telltale/instruments/inventory"
)

// A server that accepts keep-alive connections tells what happens on them.
func Example() {
	exit := instrumentstest.Open() // a program has an agent: agent.Instruments()
	defer exit.Close()

	servers := inventory.New(exit.Registry, inventory.Options{})
	defer servers.Close()

	conn, err := servers.Connect(inventory.Announcement{
		ID: "node-1", Type: instruments.ResourceNode, Version: "v18.2.0",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := conn.Heartbeat(); err != nil { // whenever one comes
		fmt.Println(err)
	}
	fmt.Print(exit.Show("teleport_"))
	conn.Close()
	fmt.Println("- after the goodbye") // the server stays for ten minutes
	fmt.Print(exit.Show("teleport_"))
	// Output:
	// teleport_connected_resources{node} 1
	// teleport_registered_servers{18.2.0} 1
	// - after the goodbye
	// teleport_registered_servers{18.2.0} 1
}

// Each stream of a gRPC server is a connection, each message a heartbeat. Here
// the stream is a watch of the health service, and the metadata say who watches.
func ExampleInventory_StreamServerInterceptor() {
	exit := instrumentstest.Open() // a program has an agent: agent.Instruments()
	defer exit.Close()
	servers := inventory.New(exit.Registry, inventory.Options{})
	defer servers.Close()

	fromMetadata := func(ctx context.Context, method string, _ any) (inventory.Announcement, bool) {
		md, _ := metadata.FromIncomingContext(ctx)
		id, version := md.Get("host-id"), md.Get("version")
		if method != "/grpc.health.v1.Health/Watch" || len(id) != 1 || len(version) != 1 {
			return inventory.Announcement{}, false
		}
		return inventory.Announcement{ID: id[0], Type: instruments.ResourceNode, Version: version[0]}, true
	}
	server := grpc.NewServer(grpc.ChainStreamInterceptor(servers.StreamServerInterceptor(fromMetadata)))
	defer server.Stop()
	healthpb.RegisterHealthServer(server, health.NewServer())
	client, err := watch(server, "host-id", "node-1", "version", "v18.2.0")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	fmt.Print(exit.Show("heartbeat_", "teleport_"))
	// Output:
	// heartbeat_connections_received_total 1
	// teleport_connected_resources{node} 1
	// teleport_registered_servers{18.2.0} 1
}

// watch makes a client begin a watch, which goes on until the client is closed.
func watch(server *grpc.Server, pairs ...string) (client *grpc.ClientConn, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	go server.Serve(listener)
	client, err = grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, err
	}
	ctx := metadata.AppendToOutgoingContext(context.Background(), pairs...)
	stream, err := healthpb.NewHealthClient(client).Watch(ctx, &healthpb.HealthCheckRequest{})
	if err == nil {
		_, err = stream.Recv()
	}
	return client, err
}

// Clients that have nothing but HTTP announce themselves again and again.
func ExampleInventory_Handler() {
	exit := instrumentstest.Open() // a program has an agent: agent.Instruments()
	defer exit.Close()

	servers := inventory.New(exit.Registry, inventory.Options{})
	defer servers.Close()

	mux := http.NewServeMux()
	mux.Handle(inventory.AnnouncePath, servers.Handler())
	server := httptest.NewServer(mux)
	defer server.Close()

	for _, typ := range []string{"node", "toaster"} {
		body := fmt.Sprintf(`{"id":"host-1","type":%q,"version":"18.2.0"}`, typ)
		response, err := server.Client().Post(server.URL+inventory.AnnouncePath, "application/json", strings.NewReader(body))
		if err != nil {
			fmt.Println(err)
			return
		}
		response.Body.Close()
		fmt.Println(response.Status)
	}
	fmt.Print(exit.Show("teleport_connected"))
	// Output:
	// 204 No Content
	// 400 Bad Request
	// teleport_connected_resources{node} 1
}
