package firestore_test

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/telltale-agent/telltale/instruments/firestore"
	"github.com/telltale-agent/telltale/instruments/instrumentstest"
)

// query opens a stream as generated clients do.
func query(tb testing.TB, conn *grpc.ClientConn, ctx context.Context, method string) grpc.ClientStream {
	tb.Helper()
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, service+method)
	if err != nil {
		tb.Fatal(err)
	}
	if err := stream.SendMsg(&emptypb.Empty{}); err != nil {
		tb.Fatal(err)
	}
	if err := stream.CloseSend(); err != nil {
		tb.Fatal(err)
	}
	return stream
}

// drain reads to the end, which is no error, and counts the messages.
func drain(stream grpc.ClientStream) (int, error) {
	for n := 0; ; n++ {
		switch err := stream.RecvMsg(&emptypb.Empty{}); {
		case errors.Is(err, io.EOF):
			return n, nil
		case err != nil:
			return n, err
		}
	}
}

func TestWhichStreamsAreReads(t *testing.T) {
	for _, row := range []struct {
		method string
		want   int
	}{
		{"RunQuery", 1}, {"RunAggregationQuery", 1}, {"ExecutePipeline", 1}, {"BatchGetDocuments", 1}, {"Listen", 0}, {"Write", 0},
	} {
		t.Run(row.method, func(t *testing.T) {
			e := newExit(t)
			stream := query(t, serve(t, e.Registry, send(3, nil)), t.Context(), row.method)
			for range 3 {
				if err := stream.RecvMsg(&emptypb.Empty{}); err != nil {
					t.Fatal(err)
				}
				e.want(t, 0, 0)
			}
			for range 2 {
				if n, err := drain(stream); n != 0 || err != nil {
					t.Errorf("got %d more and %v, want the end", n, err)
				}
				e.want(t, row.want, 0)
			}
		})
	}
}

func TestStreamThatBreaks(t *testing.T) {
	e := newExit(t)
	conn := serve(t, e.Registry, send(2, status.Error(codes.Unavailable, "said so")))
	n, err := drain(query(t, conn, t.Context(), "RunQuery"))
	if n != 2 || status.Code(err) != codes.Unavailable {
		t.Errorf("got %d documents and %v, want 2 and %v", n, err, codes.Unavailable)
	}
	e.want(t, 1, 0)
}

// An iterator that is stopped ends the context of its stream, and asks no more.
func TestStreamThatIsLeft(t *testing.T) {
	e := newExit(t)
	conn := serve(t, e.Registry, func(stream grpc.ServerStream) error {
		_ = stream.SendMsg(&emptypb.Empty{})
		<-stream.Context().Done()
		return nil
	})
	ctx, cancel := context.WithCancel(t.Context())
	stream := query(t, conn, ctx, "RunQuery")
	if err := stream.RecvMsg(&emptypb.Empty{}); err != nil {
		t.Fatal(err)
	}
	e.want(t, 0, 0)
	cancel()
	e.await(t, 1, 0)
	if _, err := drain(stream); status.Code(err) != codes.Canceled {
		t.Errorf("got %v, want %v", err, codes.Canceled)
	}
	e.want(t, 1, 0)
}

func TestStreamThatTakesTooLong(t *testing.T) {
	e := newExit(t)
	conn := serve(t, e.Registry, func(stream grpc.ServerStream) error {
		<-stream.Context().Done()
		return nil
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, service+"BatchGetDocuments")
	if err == nil {
		_ = stream.SendMsg(&emptypb.Empty{})
		_ = stream.CloseSend()
		_, err = drain(stream)
	}
	if status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("got %v, want %v", err, codes.DeadlineExceeded)
	}
	e.await(t, 1, 0)
}

func TestStreamThatCannotBeOpened(t *testing.T) {
	e := newExit(t)
	conn := serve(t, e.Registry, send(0, nil))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, service+"RunQuery"); err == nil {
		t.Error("got no error")
	}
	e.want(t, 1, 0)
}

// silent is a stream whose methods do as they are told.
type silent struct {
	grpc.ClientStream
	recv, send, closeSend func() error
}

func (s *silent) RecvMsg(any) error { return s.recv() }
func (s *silent) SendMsg(any) error { return s.send() }
func (s *silent) CloseSend() error  { return s.closeSend() }

func intercept(t *testing.T, e exit, ctx context.Context, s *silent) grpc.ClientStream {
	t.Helper()
	open := func(context.Context, *grpc.StreamDesc, *grpc.ClientConn, string, ...grpc.CallOption) (grpc.ClientStream, error) {
		return s, nil
	}
	got, err := firestore.StreamInterceptor(e.Registry)(ctx, nil, nil, service+"RunQuery", open)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// endless is a context that does not end, and knows what waits for it.
type endless struct {
	context.Context
	waiting int
}

func (*endless) Done() <-chan struct{} { return make(chan struct{}) }
func (*endless) Value(any) any         { return nil }

func (c *endless) AfterFunc(func()) (stop func() bool) {
	c.waiting++
	return func() bool {
		c.waiting--
		return true
	}
}

// A program that lives long makes many queries with one context.
func TestStreamThatEndedLeavesNothingWithItsContext(t *testing.T) {
	e := newExit(t)
	ctx := &endless{Context: t.Context()}
	stream := intercept(t, e, ctx, &silent{recv: func() error { return io.EOF }})
	if ctx.waiting != 1 {
		t.Fatalf("%d functions wait for the context while the stream is open, want 1", ctx.waiting)
	}
	if _, err := drain(stream); err != nil {
		t.Error(err)
	}
	if ctx.waiting != 0 {
		t.Errorf("%d functions wait for the context after the end of the stream, want none", ctx.waiting)
	}
}

func TestReadLastsUntilTheLastDocument(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExit(t)
		left := 3
		stream := intercept(t, e, t.Context(), &silent{recv: func() error {
			time.Sleep(time.Second)
			if left--; left < 0 {
				return io.EOF
			}
			return nil
		}})
		time.Sleep(time.Minute)
		if n, err := drain(stream); n != 3 || err != nil {
			t.Errorf("got %d documents and %v, want 3", n, err)
		}
		e.Want(t, instrumentstest.Values{"firestore_events_backend_batch_read_seconds_sum": 64})
	})
}

func TestStreamThatCannotSend(t *testing.T) {
	e := newExit(t)
	fails := func() error { return io.EOF }
	stream := intercept(t, e, t.Context(), &silent{send: fails, closeSend: fails, recv: fails})
	for _, call := range []func() error{
		func() error { return stream.SendMsg(nil) },
		stream.CloseSend,
		func() error { return stream.RecvMsg(nil) },
	} {
		if err := call(); !errors.Is(err, io.EOF) {
			t.Errorf("got %v, want the error of the stream", err)
		}
		e.want(t, 1, 0)
	}
}

func TestPanicOfTheStream(t *testing.T) {
	e := newExit(t)
	panics := func() error { panic("stream") }
	stream := intercept(t, e, t.Context(), &silent{recv: panics})
	for _, call := range []func(){
		func() { _ = stream.RecvMsg(nil) },
		func() {
			open := func(context.Context, *grpc.StreamDesc, *grpc.ClientConn, string, ...grpc.CallOption) (grpc.ClientStream, error) {
				panic("stream")
			}
			_, _ = firestore.StreamInterceptor(e.Registry)(t.Context(), nil, nil, service+"RunQuery", open)
		},
	} {
		func() {
			defer func() {
				if got := recover(); got != "stream" {
					t.Errorf("got %v, want the panic of the stream", got)
				}
			}()
			call()
		}()
	}
	e.want(t, 2, 0)
}

func TestManyAtOnce(t *testing.T) {
	const callers, rounds = 16, 20
	e := newExit(t)
	conn := serve(t, e.Registry, send(1, nil))
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for range rounds {
				if _, err := drain(query(t, conn, t.Context(), "RunQuery")); err != nil {
					t.Error(err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				query(t, conn, ctx, "BatchGetDocuments")
				cancel()
				if err := conn.Invoke(t.Context(), service+"Commit", requestWith(t, 2), &emptypb.Empty{}); err != nil {
					t.Error(err)
				}
				if err := conn.Invoke(t.Context(), service+"Commit", requestWith(t, 1), &emptypb.Empty{}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	e.await(t, 2*callers*rounds, callers*rounds)
}
