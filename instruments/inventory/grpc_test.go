package inventory_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/telltale-agent/telltale/instruments"
	"github.com/telltale-agent/telltale/instruments/instrumentstest"
	"github.com/telltale-agent/telltale/instruments/inventory"
)

// announced reads id/type/version from the metadata, or else from the first
// message: all that an auth service may do.
func announced(ctx context.Context, _ string, first any) (inventory.Announcement, bool) {
	md, _ := metadata.FromIncomingContext(ctx)
	if ids := md.Get("host-id"); first == nil && len(ids) == 1 {
		return inventory.Announcement{ID: ids[0], Type: instruments.ResourceApp, Version: "v18.2.0"}, true
	}
	if message, ok := first.(*wrapperspb.StringValue); ok && message.Value != "" {
		return inventory.Announcement{ID: message.Value, Type: instruments.ResourceNode, Version: "18.3.0"}, true
	}
	return inventory.Announcement{}, false
}

// auth is a real gRPC server on loopback. It answers each message with itself
// and does as the message says.
type auth struct {
	addr     string
	returned chan struct{} // one for each stream, after all interceptors
}

// Without an inventory it is the bare server.
func newAuth(t testing.TB, inv *inventory.Inventory) *auth {
	t.Helper()
	a := &auth{returned: make(chan struct{}, 2000)}
	outermost := func(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) (err error) {
		defer func() {
			if value := recover(); value != nil {
				err = status.Errorf(codes.Internal, "panic: %v", value)
			}
			a.returned <- struct{}{}
		}()
		return handler(srv, ss)
	}
	interceptors := []grpc.StreamServerInterceptor{outermost}
	if inv != nil {
		interceptors = append(interceptors, inv.StreamServerInterceptor(announced))
	}
	server := grpc.NewServer(grpc.ChainStreamInterceptor(interceptors...))
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "Auth", HandlerType: (*any)(nil),
		Streams: []grpc.StreamDesc{{StreamName: "KeepAlive", Handler: keepAlive, ServerStreams: true, ClientStreams: true}},
	}, a)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) })
	t.Cleanup(func() {
		server.Stop()
		serving.Wait()
	})
	a.addr = listener.Addr().String()
	return a
}

func keepAlive(_ any, stream grpc.ServerStream) error {
	for {
		message := new(wrapperspb.StringValue)
		if err := stream.RecvMsg(message); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		switch message.Value {
		case "/return":
			return nil
		case "/fail":
			return status.Error(codes.Aborted, "as you wish")
		case "/panic":
			panic("as you wish")
		}
		if err := stream.SendMsg(message); err != nil {
			return err
		}
	}
}

func (a *auth) dial(t testing.TB) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(a.addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func open(ctx context.Context, conn *grpc.ClientConn) (grpc.ClientStream, error) {
	return conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, "/Auth/KeepAlive")
}

// say sends a message and waits for the answer.
func say(stream grpc.ClientStream, word string) error {
	if err := stream.SendMsg(wrapperspb.String(word)); err != nil {
		return err
	}
	answer := new(wrapperspb.StringValue)
	if err := stream.RecvMsg(answer); err != nil {
		return err
	}
	if answer.Value != word {
		return fmt.Errorf("got %q, want %q", answer.Value, word)
	}
	return nil
}

func TestGRPCStreams(t *testing.T) {
	for _, row := range []struct {
		name    string
		end     func(t *testing.T, stream grpc.ClientStream, cancel func(), conn *grpc.ClientConn)
		goodbye bool
	}{
		{"closed by the client", func(t *testing.T, stream grpc.ClientStream, _ func(), _ *grpc.ClientConn) {
			_ = stream.CloseSend()
			if err := stream.RecvMsg(new(wrapperspb.StringValue)); err != io.EOF {
				t.Errorf("got %v, want %v", err, io.EOF)
			}
		}, true},
		{"ended by the server", func(t *testing.T, stream grpc.ClientStream, _ func(), _ *grpc.ClientConn) {
			if err := say(stream, "/return"); err != io.EOF {
				t.Errorf("got %v, want %v", err, io.EOF)
			}
		}, true},
		{"refused by the server", func(t *testing.T, stream grpc.ClientStream, _ func(), _ *grpc.ClientConn) {
			if err := say(stream, "/fail"); status.Code(err) != codes.Aborted {
				t.Errorf("got %v, want the handler's error", err)
			}
		}, false},
		{"panic", func(t *testing.T, stream grpc.ClientStream, _ func(), _ *grpc.ClientConn) {
			if err := say(stream, "/panic"); status.Convert(err).Message() != "panic: as you wish" {
				t.Errorf("got %v, want the handler's panic", err)
			}
		}, false},
		{"cancelled", func(_ *testing.T, _ grpc.ClientStream, cancel func(), _ *grpc.ClientConn) { cancel() }, false},
		{"cut", func(_ *testing.T, _ grpc.ClientStream, _ func(), conn *grpc.ClientConn) { conn.Close() }, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			e := instrumentstest.New(t)
			inv := inventory.New(e.Registry, inventory.Options{TTL: time.Hour, Interval: time.Millisecond, Grace: time.Minute})
			defer inv.Close()
			auth := newAuth(t, inv)
			conn := auth.dial(t)
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			stream, err := open(ctx, conn)
			if err != nil {
				t.Fatal(err)
			}
			for range 3 {
				if err := say(stream, "a"); err != nil {
					t.Fatal(err)
				}
			}
			e.WantShown(t, map[string]float64{received: 1, nodes: 1, version("18.3.0"): 1})
			row.end(t, stream, cancel, conn)
			<-auth.returned
			e.WantShown(t, map[string]float64{received: 1, nodes: 0, version("18.3.0"): 1})
			if inv.Due("a") == row.goodbye {
				t.Errorf("heartbeats are due: %t, but goodbye was said: %t", inv.Due("a"), row.goodbye)
			}
		})
	}
}

func TestGRPCStreamAnnouncedByMetadata(t *testing.T) {
	e := instrumentstest.New(t)
	inv := inventory.New(e.Registry, inventory.Options{})
	defer inv.Close()
	auth := newAuth(t, inv)
	stream, err := open(metadata.AppendToOutgoingContext(t.Context(), "host-id", "b"), auth.dial(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := say(stream, "a message that announces nothing"); err != nil {
		t.Fatal(err)
	}
	e.WantShown(t, map[string]float64{received: 1, nodes: 0, apps: 1, version("18.2.0"): 1})
	_ = stream.CloseSend()
	<-auth.returned
	e.WantShown(t, map[string]float64{apps: 0})
}

func TestGRPCStreamsThatAreNotCounted(t *testing.T) {
	for _, row := range []struct {
		name  string
		first string
		inv   func(*inventory.Inventory)
	}{
		{"announces nothing", "", func(*inventory.Inventory) {}},
		{"invalid", "a b", func(*inventory.Inventory) {}},
		{"full", "a", func(inv *inventory.Inventory) { _, _ = inv.Connect(node("other", "1.0.0")) }},
		{"closed", "a", func(inv *inventory.Inventory) { inv.Close() }},
	} {
		t.Run(row.name, func(t *testing.T) {
			e := instrumentstest.New(t)
			inv := inventory.New(e.Registry, inventory.Options{MaxServers: 1, Logger: (&lines{}).logger()})
			defer inv.Close()
			row.inv(inv)
			before := shown(t, e)
			auth := newAuth(t, inv)
			stream, err := open(t.Context(), auth.dial(t))
			if err != nil {
				t.Fatal(err)
			}
			for _, word := range []string{row.first, "a", "a"} {
				if err := say(stream, word); err != nil {
					t.Fatal(err)
				}
			}
			_ = stream.CloseSend()
			<-auth.returned
			if got := shown(t, e); fmt.Sprint(got) != fmt.Sprint(before) {
				t.Errorf("got %v, want %v as before", got, before)
			}
		})
	}
}

func TestThousandGRPCStreams(t *testing.T) {
	const streams = 1000
	e := instrumentstest.New(t)
	inv := inventory.New(e.Registry, inventory.Options{})
	defer inv.Close()
	auth := newAuth(t, inv)
	var conns [10]*grpc.ClientConn
	for i := range conns {
		conns[i] = auth.dial(t)
	}
	var clients, spoken sync.WaitGroup
	spoken.Add(streams)
	leave := make(chan struct{})
	for i := range streams {
		clients.Go(func() {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			stream, err := open(ctx, conns[i%len(conns)])
			for range 3 {
				if err == nil {
					err = say(stream, fmt.Sprint("host-", i%500)) // each host twice
				}
			}
			spoken.Done()
			if err != nil {
				t.Error(err)
				return
			}
			<-leave
			switch i % 3 {
			case 0:
				_ = stream.CloseSend()
				if err := stream.RecvMsg(new(wrapperspb.StringValue)); !errors.Is(err, io.EOF) {
					t.Error(err)
				}
			case 1:
				cancel()
			case 2:
				if err := say(stream, "/panic"); err == nil {
					t.Error("a panic was swallowed")
				}
			}
		})
	}
	spoken.Wait()
	e.WantShown(t, map[string]float64{received: streams, nodes: streams, version("18.3.0"): 500, missed: 0})
	close(leave)
	clients.Wait()
	for range streams {
		<-auth.returned
	}
	e.WantShown(t, map[string]float64{received: streams, nodes: 0, version("18.3.0"): 500})
}

// scripted is a stream that receives what it is told to.
type scripted struct {
	grpc.ServerStream
	ctx context.Context
	err error
}

func (s scripted) Context() context.Context { return s.ctx }
func (s scripted) RecvMsg(any) error        { return s.err }

// A handler that keeps a failure to itself does not make it a goodbye.
func TestGRPCHandlersThatReturnNothing(t *testing.T) {
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	for _, row := range []struct {
		name    string
		stream  scripted
		receive bool
		goodbye bool
	}{
		{"client is there", scripted{ctx: context.Background(), err: nil}, false, true},
		{"client is there and speaks", scripted{ctx: context.Background(), err: nil}, true, true},
		{"client is gone", scripted{ctx: cancelled, err: nil}, false, false},
		{"client has closed its side", scripted{ctx: cancelled, err: io.EOF}, true, true},
		{"message cannot be read", scripted{ctx: context.Background(), err: status.Error(codes.Internal, "no message")}, true, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			inv := inventory.New(nil, inventory.Options{})
			defer inv.Close()
			intercept := inv.StreamServerInterceptor(func(context.Context, string, any) (inventory.Announcement, bool) {
				return node("a", "18.2.0"), true
			})
			err := intercept(nil, row.stream, &grpc.StreamServerInfo{}, func(_ any, stream grpc.ServerStream) error {
				if row.receive {
					if err := stream.RecvMsg(nil); err != row.stream.err {
						t.Errorf("got %v, want %v itself", err, row.stream.err)
					}
				}
				return nil
			})
			if err != nil || inv.Connections() != 0 || inv.Due("a") == row.goodbye {
				t.Errorf("got %v, %d connections; due: %t, want goodbye: %t", err, inv.Connections(), inv.Due("a"), row.goodbye)
			}
		})
	}
}

// early is a stream whose RecvMsg goes on after the handler has returned.
type early struct {
	grpc.ServerStream
	receive, received chan struct{}
}

func (e *early) Context() context.Context { return context.Background() }

func (e *early) RecvMsg(m any) error {
	<-e.receive
	m.(*wrapperspb.StringValue).Value = "late"
	return nil
}

func TestGRPCMessageAfterTheEnd(t *testing.T) {
	inv := inventory.New(nil, inventory.Options{})
	defer inv.Close()
	ss := &early{receive: make(chan struct{}), received: make(chan struct{})}
	intercept := inv.StreamServerInterceptor(announced)
	err := intercept(nil, ss, &grpc.StreamServerInfo{}, func(_ any, stream grpc.ServerStream) error {
		go func() {
			defer close(ss.received)
			_ = stream.RecvMsg(new(wrapperspb.StringValue))
		}()
		return nil
	})
	close(ss.receive)
	<-ss.received
	if err != nil || inv.Connections() != 0 {
		t.Errorf("got %v and %d connections, want none", err, inv.Connections())
	}
}
