package integration

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/telltale-agent/telltale/instruments"
	"github.com/telltale-agent/telltale/instruments/kv"
)

// While the server is away, requests wait for it as long as their context lets them. Each counts once.
func TestServerStoppedAndStarted(t *testing.T) {
	server := startServer(t)
	r := connect(t, server)
	if err := put("k", "1")(patient(t), r.Client); err != nil {
		t.Fatal(err)
	}
	server.Stop()
	for _, call := range []func(context.Context, *clientv3.Client) error{
		get("k"), get("k", clientv3.WithPrefix()), remove("k"), txn("k", clientv3.OpPut("k", "1")),
	} {
		if err := briefly(call, r.Client); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v from a server that is stopped", err)
		}
	}
	server.Start(t)
	if err := get("k")(patient(t), r.Client); err != nil {
		t.Errorf("read after the restart: %v", err)
	}
	reads := r.sent.of("/etcdserverpb.KV/Range") // the first one may have met the end of the connection
	got := r.counts(t)
	batchReads := int(got["etcd_backend_batch_read_requests"])
	if reads < 3 || batchReads < 1 {
		t.Errorf("got %d reads sent, %d of them of ranges", reads, batchReads)
	}
	compare(t, got, together(requests("read", reads-batchReads), requests("batch_read", batchReads),
		requests("write", 2), requests("tx", 1)))
}

// briefly makes a call that is expected to end with its context.
func briefly(call func(context.Context, *clientv3.Client) error, client *clientv3.Client) error {
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	return call(ctx, client)
}

// The client repeats reads that fail since a server is unavailable, but no writes. Each attempt is a request to etcd;
// all of them are one call of the store in front of the client.
func TestRepeatedRequestsCountEach(t *testing.T) {
	var failures atomic.Int64
	r := connect(t, startServer(t), func(cfg *clientv3.Config) {
		cfg.DialOptions = append(cfg.DialOptions, grpc.WithChainUnaryInterceptor(failing(&failures)))
	})
	store := kv.Wrap(r.exit.Registry, instruments.StoreBackend, etcdStore{r.Client})
	failures.Store(1)
	if err := store.Put(patient(t), kv.Item{Key: "k"}); status.Code(err) != codes.Unavailable {
		t.Errorf("got %v, want the failure", err)
	}
	if err := store.Put(patient(t), kv.Item{Key: "k"}); err != nil {
		t.Error(err)
	}
	failures.Store(3)
	if _, err := store.Get(patient(t), "k"); err != nil {
		t.Error(err)
	}
	failures.Store(2)
	if _, err := store.Range(patient(t), "a", "z", 0); err != nil {
		t.Error(err)
	}
	compare(t, r.counts(t), together(
		stored("write", "backend", 2), stored("read", "backend", 1), stored("batch_read", "backend", 1),
		requests("write", 2), requests("read", 4), requests("batch_read", 3),
	))
}

// failing lets the next so many requests fail as if the server were gone.
func failing(failures *atomic.Int64) grpc.UnaryClientInterceptor {
	return func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		if failures.Add(-1) >= 0 {
			return status.Error(codes.Unavailable, "as if the server were gone")
		}
		return invoke(ctx, method, req, reply, cc, opts...)
	}
}
