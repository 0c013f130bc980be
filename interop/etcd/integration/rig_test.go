package integration

import (
	"context"
	"maps"
	"sync"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"

	"github.com/telltale-agent/telltale/instruments"
	"github.com/telltale-agent/telltale/instruments/etcd"
	"github.com/telltale-agent/telltale/instruments/instrumentstest"
	"github.com/telltale-agent/telltale/interop/internal/etcdserver"
	"github.com/telltale-agent/telltale/interop/internal/harness"
)

// rig is an official client with a registry of its own.
type rig struct {
	*clientv3.Client
	exit *instrumentstest.Exit
	sent *tally
}

// startServer starts a server of one member that ends with the test.
func startServer(t testing.TB) *etcdserver.Member {
	t.Helper()
	server := etcdserver.New(t)
	server.Start(t)
	return server
}

// resources are the keys that tests watch.
func resources() map[string]string {
	return map[string]string{"/users/": "user", "/roles/": "role", "/nodes/": "node"}
}

// connect makes a client whose requests and events are measured. The changes are to its configuration.
func connect(t testing.TB, server *etcdserver.Member, changes ...func(*clientv3.Config)) *rig {
	t.Helper()
	r := &rig{exit: instrumentstest.New(t), sent: &tally{}}
	r.Client = dial(t, server, append(measured(r.exit.Registry), grpc.WithChainUnaryInterceptor(r.sent.intercept)), changes...)
	return r
}

// measured are the dial options under test.
func measured(registry *instruments.Registry) []grpc.DialOption {
	return etcd.DialOptions(registry, etcd.WatchOptions{Resource: etcd.ByPrefix(resources())})
}

// dial makes a client with these dial options.
func dial(t testing.TB, server *etcdserver.Member, options []grpc.DialOption, changes ...func(*clientv3.Config)) *clientv3.Client {
	t.Helper()
	cfg := clientv3.Config{Endpoints: []string{server.Client}, DialOptions: options, Logger: zap.NewNop()}
	for _, change := range changes {
		change(&cfg)
	}
	client, err := clientv3.New(cfg)
	if err != nil {
		t.Fatalf("connect to etcd: %v", err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// patient gives a context for requests that are to succeed, or fail by themselves.
func patient(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), harness.Patience)
	t.Cleanup(cancel)
	return ctx
}

// must fails the test for a request that was only made for its effect.
func must[R any](t testing.TB) func(R, error) R {
	return func(result R, err error) R {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return result
	}
}

// tally counts what is handed to gRPC, behind the interceptors under test, and so behind what the client repeats.
type tally struct {
	mu sync.Mutex
	n  map[string]int // by method; guarded by mu
}

func (t *tally) intercept(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	t.mu.Lock()
	if t.n == nil {
		t.n = map[string]int{}
	}
	t.n[method]++
	t.mu.Unlock()
	return invoke(ctx, method, req, reply, cc, opts...)
}

func (t *tally) of(method string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.n[method]
}

func (r *rig) counts(t testing.TB) map[string]float64 {
	t.Helper()
	return r.exit.Recorded(t)
}

// requests is what n etcd requests of one kind leave behind.
func requests(kind string, n int) map[string]float64 {
	if n == 0 {
		return map[string]float64{}
	}
	return map[string]float64{"etcd_backend_" + kind + "_requests": float64(n), "etcd_backend_" + kind + "_seconds_count": float64(n)}
}

// together joins what several parts leave behind.
func together(parts ...map[string]float64) map[string]float64 {
	all := map[string]float64{}
	for _, part := range parts {
		for name, v := range part {
			all[name] += v
		}
	}
	return all
}

func compare(t testing.TB, got, want map[string]float64) {
	t.Helper()
	if !maps.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}
