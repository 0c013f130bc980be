package firestore_test

import (
	"context"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/telltale-agent/telltale/instruments/firestore"
	"github.com/telltale-agent/telltale/instruments/instrumentstest"
)

func TestWhichRequestsAreBatches(t *testing.T) {
	none := &emptypb.Empty{}
	for _, row := range []struct {
		method        string
		req           proto.Message
		reads, writes int
	}{
		{"Commit", requestWith(t, 0), 0, 0},
		{"Commit", requestWith(t, 1), 0, 0},
		{"Commit", requestWith(t, 2), 0, 1},
		{"Commit", requestWith(t, 500), 0, 1},
		{"Commit", none, 0, 0},
		{"BatchWrite", requestWith(t, 1), 0, 0},
		{"BatchWrite", requestWith(t, 20), 0, 1},
		{"ListDocuments", none, 1, 0},
		{"GetDocument", none, 0, 0},
		{"UpdateDocument", requestWith(t, 2), 0, 0},
		{"BeginTransaction", none, 0, 0},
		{"Rollback", none, 0, 0},
		{"PartitionQuery", none, 0, 0},
		{"ListCollectionIds", none, 0, 0},
	} {
		for _, code := range []codes.Code{codes.OK, codes.Aborted} {
			t.Run(row.method+"/"+code.String(), func(t *testing.T) {
				e := newExit(t)
				var answer error
				n := 1
				if code != codes.OK {
					answer, n = status.Error(code, "said so"), 0
				}
				conn := serve(t, e.Registry, send(n, answer))
				if got := status.Code(conn.Invoke(t.Context(), service+row.method, row.req, &emptypb.Empty{})); got != code {
					t.Errorf("got %v, want %v", got, code)
				}
				e.want(t, row.reads, row.writes)
			})
		}
	}
}

func TestRequestsOfOtherServices(t *testing.T) {
	e := newExit(t)
	conn := serve(t, e.Registry, send(1, nil))
	for _, method := range []string{"/google.firestore.admin.v1.FirestoreAdmin/Commit", "/Commit", "/"} {
		_ = conn.Invoke(t.Context(), method, requestWith(t, 2), &emptypb.Empty{})
	}
	e.want(t, 0, 0)
}

func TestRequestThatIsNoMessage(t *testing.T) {
	e := newExit(t)
	invoke := func(context.Context, string, any, any, *grpc.ClientConn, ...grpc.CallOption) error { return nil }
	for _, req := range []any{nil, "text", (*emptypb.Empty)(nil)} {
		if err := firestore.UnaryInterceptor(e.Registry)(t.Context(), service+"Commit", req, nil, nil, invoke); err != nil {
			t.Error(err)
		}
	}
	e.want(t, 0, 0)
}

func TestWriteLastsUntilItIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExit(t)
		invoke := func(context.Context, string, any, any, *grpc.ClientConn, ...grpc.CallOption) error {
			e.want(t, 0, 0)
			time.Sleep(3 * time.Second)
			return nil
		}
		if err := firestore.UnaryInterceptor(e.Registry)(t.Context(), service+"Commit", requestWith(t, 2), nil, nil, invoke); err != nil {
			t.Error(err)
		}
		e.want(t, 0, 1)
		e.Want(t, instrumentstest.Values{"firestore_events_backend_batch_write_seconds_sum": 3})
	})
}

func TestRequestsThatAreGivenUp(t *testing.T) {
	e := newExit(t)
	conn := serve(t, e.Registry, func(stream grpc.ServerStream) error {
		<-stream.Context().Done()
		return stream.Context().Err()
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	err := conn.Invoke(ctx, service+"BatchWrite", requestWith(t, 2), &emptypb.Empty{})
	if got := status.Code(err); got != codes.DeadlineExceeded {
		t.Errorf("got %v, want %v", got, codes.DeadlineExceeded)
	}
	e.want(t, 0, 1)
}

func TestNilRegistry(t *testing.T) {
	if got := firestore.DialOptions(nil); len(got) != 0 {
		t.Errorf("got %d options, want none", len(got))
	}
	invoked := 0
	invoke := func(context.Context, string, any, any, *grpc.ClientConn, ...grpc.CallOption) error {
		invoked++
		return nil
	}
	if err := firestore.UnaryInterceptor(nil)(t.Context(), service+"Commit", requestWith(t, 2), nil, nil, invoke); err != nil {
		t.Error(err)
	}
	want := &silent{}
	open := func(context.Context, *grpc.StreamDesc, *grpc.ClientConn, string, ...grpc.CallOption) (grpc.ClientStream, error) {
		return want, nil
	}
	got, err := firestore.StreamInterceptor(nil)(t.Context(), nil, nil, service+"RunQuery", open)
	if got != grpc.ClientStream(want) || err != nil || invoked != 1 {
		t.Errorf("got %v, %v and %d calls, want what was opened and called", got, err, invoked)
	}
}

func TestClosedRegistry(t *testing.T) {
	e := newExit(t)
	conn := serve(t, e.Registry, send(1, nil))
	if err := e.Registry.Close(); err != nil {
		t.Fatal(err)
	}
	if err := conn.Invoke(t.Context(), service+"Commit", requestWith(t, 2), &emptypb.Empty{}); err != nil {
		t.Error(err)
	}
	if got, err := drain(query(t, conn, t.Context(), "RunQuery")); got != 1 || err != nil {
		t.Errorf("got %d documents and %v, want 1", got, err)
	}
}

func TestPanicOfTheInvoker(t *testing.T) {
	e := newExit(t)
	call := func(end func()) {
		invoke := func(context.Context, string, any, any, *grpc.ClientConn, ...grpc.CallOption) error { end(); return nil }
		_ = firestore.UnaryInterceptor(e.Registry)(t.Context(), service+"Commit", requestWith(t, 2), nil, nil, invoke)
	}
	func() {
		defer func() {
			if got := recover(); got != "invoker" {
				t.Errorf("got %v, want the panic of the invoker", got)
			}
		}()
		call(func() { panic("invoker") })
	}()
	e.want(t, 0, 1)
	var wg sync.WaitGroup
	wg.Go(func() { call(runtime.Goexit) })
	wg.Wait()
	e.want(t, 0, 2)
}
