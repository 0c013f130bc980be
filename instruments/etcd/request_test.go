package etcd_test

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/telltale-agent/telltale/instruments"
	"github.com/telltale-agent/telltale/instruments/etcd"
	"github.com/telltale-agent/telltale/instruments/instrumentstest"
)

// both is what n requests of one kind leave behind.
func both(kind string, n float64) instrumentstest.Values {
	return instrumentstest.Values{"etcd_backend_" + kind + "_requests": n, "etcd_backend_" + kind + "_seconds_count": n}
}

func TestRequests(t *testing.T) {
	addr := serve(t)
	for _, row := range []struct {
		name   string
		method string
		req    request
		kind   string
	}{
		{"one key", methodRange, request{Key: []byte("a")}, "read"},
		{"empty range end", methodRange, request{Key: []byte("a"), RangeEnd: []byte{}}, "read"},
		{"range", methodRange, request{Key: []byte("a"), RangeEnd: []byte("b")}, "batch_read"},
		{"from key on", methodRange, request{Key: []byte("a"), RangeEnd: []byte{0}}, "batch_read"},
		{"put", methodPut, request{Key: []byte("a")}, "write"},
		{"delete", methodDeleteRange, request{Key: []byte("a")}, "write"},
		{"delete range", methodDeleteRange, request{Key: []byte("a"), RangeEnd: []byte("b")}, "write"},
		{"transaction", methodTxn, request{}, "tx"},
		{"compaction", methodCompact, request{}, ""},
		{"other service", "/other.KV/Range", request{Key: []byte("a")}, ""},
	} {
		for _, code := range []codes.Code{codes.OK, codes.PermissionDenied, codes.Unavailable, codes.OutOfRange} {
			t.Run(row.name+" "+code.String(), func(t *testing.T) {
				exit := instrumentstest.New(t)
				conn := dial(t, addr, etcd.DialOptions(exit.Registry, etcd.WatchOptions{})...)
				row.req.Fail = code
				var got response
				err := conn.Invoke(context.Background(), row.method, &row.req, &got)
				if status.Code(err) != code {
					t.Errorf("got %v, want %s", err, code)
				}
				if err == nil && !bytes.Equal(got.Key, row.req.Key) {
					t.Errorf("got key %q, want %q", got.Key, row.req.Key)
				}
				want := 1.0
				if row.kind == "" {
					want = 0
				}
				exit.WantRecorded(t, both(row.kind, want))
			})
		}
	}
}

func TestCancelledRequestCountsOnce(t *testing.T) {
	exit := instrumentstest.New(t)
	conn := dial(t, serve(t), etcd.DialOptions(exit.Registry, etcd.WatchOptions{})...)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := conn.Invoke(ctx, methodPut, &request{}, &response{}); status.Code(err) != codes.Canceled {
		t.Errorf("got %v, want cancelled", err)
	}
	exit.WantRecorded(t, both("write", 1))
}

func TestArgumentsPassUnchanged(t *testing.T) {
	type key struct{}
	ctx := context.WithValue(context.Background(), key{}, "value")
	req, reply, conn := &request{}, &response{}, &grpc.ClientConn{}
	want := errors.New("from the invoker")
	intercept := etcd.UnaryInterceptor(instrumentstest.New(t).Registry)
	err := intercept(ctx, methodTxn, req, reply, conn,
		func(gotCtx context.Context, method string, gotReq, gotReply any, cc *grpc.ClientConn, opts ...grpc.CallOption) error {
			if gotCtx != ctx || method != methodTxn || gotReq != any(req) || gotReply != any(reply) || cc != conn || len(opts) != 1 {
				t.Errorf("got other arguments: %v %s %v %v %v %v", gotCtx, method, gotReq, gotReply, cc, opts)
			}
			return want
		}, grpc.WaitForReady(true))
	if err != want {
		t.Errorf("got %v, want the very error of the invoker", err)
	}
}

func TestPanicsPassAndCount(t *testing.T) {
	exit := instrumentstest.New(t)
	intercept := etcd.UnaryInterceptor(exit.Registry)
	reason := &struct{ text string }{"of the invoker"}
	func() {
		defer func() {
			if got := recover(); got != reason {
				t.Errorf("recovered %v, want the invoker's own value", got)
			}
		}()
		_ = intercept(context.Background(), methodPut, &request{}, nil, nil,
			func(context.Context, string, any, any, *grpc.ClientConn, ...grpc.CallOption) error { panic(reason) })
	}()
	exit.WantRecorded(t, both("write", 1))
}

func TestGoexitCounts(t *testing.T) {
	exit := instrumentstest.New(t)
	intercept := etcd.UnaryInterceptor(exit.Registry)
	var done sync.WaitGroup
	done.Go(func() {
		_ = intercept(context.Background(), methodTxn, &request{}, nil, nil,
			func(context.Context, string, any, any, *grpc.ClientConn, ...grpc.CallOption) error {
				runtime.Goexit()
				return nil
			})
	})
	done.Wait()
	exit.WantRecorded(t, both("tx", 1))
}

func TestConcurrentRequestsAreExact(t *testing.T) {
	exit := instrumentstest.New(t)
	conn := dial(t, serve(t), etcd.DialOptions(exit.Registry, etcd.WatchOptions{})...)
	const workers, each = 8, 25
	var done sync.WaitGroup
	for range workers {
		done.Go(func() {
			for i := range each {
				req := &request{Key: []byte("k")}
				if i%5 == 0 {
					req.Fail = codes.NotFound
				}
				_ = conn.Invoke(context.Background(), methodRange, req, &response{})
			}
		})
	}
	done.Wait()
	exit.WantRecorded(t, both("read", workers*each))
}

func TestWithoutRegistry(t *testing.T) {
	addr := serve(t)
	closed := instrumentstest.New(t)
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	for name, registry := range map[string]*instruments.Registry{"nil": nil, "closed": closed.Registry} {
		t.Run(name, func(t *testing.T) {
			conn := dial(t, addr, etcd.DialOptions(registry, etcd.WatchOptions{})...)
			if err := conn.Invoke(context.Background(), methodRange, &request{}, &response{}); err != nil {
				t.Error(err)
			}
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			var got response
			if err := watch(t, ctx, conn, answerOf("key")).RecvMsg(&got); err != nil || len(got.Events) != 1 {
				t.Errorf("got %d events and %v, want 1", len(got.Events), err)
			}
		})
	}
}

func invokeNothing(context.Context, string, any, any, *grpc.ClientConn, ...grpc.CallOption) error {
	return nil
}

func TestRequestsAllocateNothing(t *testing.T) {
	intercept := etcd.UnaryInterceptor(instrumentstest.New(t).Registry)
	req, ctx := &request{RangeEnd: []byte("b")}, context.Background()
	for _, method := range []string{methodRange, methodPut, methodTxn, methodCompact} {
		if n := testing.AllocsPerRun(100, func() { _ = intercept(ctx, method, req, nil, nil, invokeNothing) }); n != 0 {
			t.Errorf("%s: %v allocations, want none", method, n)
		}
	}
}

// What the interceptor adds to a request, apart from the request.
func BenchmarkUnaryInterceptor(b *testing.B) {
	ctx, req := context.Background(), &request{RangeEnd: []byte("b")}
	b.Run("bare", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = invokeNothing(ctx, methodRange, req, nil, nil)
		}
	})
	for _, row := range []struct{ name, method string }{{"measured", methodRange}, {"passed", methodCompact}} {
		b.Run(row.name, func(b *testing.B) {
			intercept := etcd.UnaryInterceptor(instrumentstest.New(b).Registry)
			b.ReportAllocs()
			for b.Loop() {
				_ = intercept(ctx, row.method, req, nil, nil, invokeNothing)
			}
		})
	}
}
