package etcd_test

import (
	"context"
	"encoding/json"
	"net"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
)

// The methods of etcd that are called here.
const (
	methodRange       = "/etcdserverpb.KV/Range"
	methodPut         = "/etcdserverpb.KV/Put"
	methodDeleteRange = "/etcdserverpb.KV/DeleteRange"
	methodTxn         = "/etcdserverpb.KV/Txn"
	methodCompact     = "/etcdserverpb.KV/Compact"
	methodWatch       = "/etcdserverpb.Watch/Watch"
)

// request and the types below have the fields and methods of etcd's own that
// the package looks at. They travel as JSON.
type request struct {
	Key, RangeEnd []byte
	Fail          codes.Code  // what the server is to answer
	Answers       []*response // what a watch is to receive
}

func (r *request) GetRangeEnd() []byte { return r.RangeEnd }

type response struct {
	Key    []byte // of the request
	Events []*event
}

type event struct {
	Kv    *keyValue
	Bytes int
}

func (e *event) Size() int { return e.Bytes }

type keyValue struct{ Key []byte }

type jsonCodec struct{}

func (jsonCodec) Name() string                       { return "json" }
func (jsonCodec) Marshal(v any) ([]byte, error)      { return json.Marshal(v) }
func (jsonCodec) Unmarshal(data []byte, v any) error { return json.Unmarshal(data, v) }

// serve answers any method on loopback until the test ends.
func serve(t testing.TB) (addr string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(grpc.ForceServerCodec(jsonCodec{}), grpc.UnknownServiceHandler(answer))
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener)
	}()
	t.Cleanup(func() {
		server.Stop()
		<-done
	})
	return listener.Addr().String()
}

func answer(_ any, stream grpc.ServerStream) error {
	for {
		req := &request{}
		if err := stream.RecvMsg(req); err != nil {
			return nil // the client has no more to ask
		}
		if req.Fail != codes.OK {
			return status.Error(req.Fail, "as asked for")
		}
		answers := append([]*response{}, req.Answers...)
		if len(answers) == 0 {
			answers = append(answers, &response{Key: req.Key})
		}
		for _, answer := range answers {
			if err := stream.SendMsg(answer); err != nil {
				return err
			}
		}
	}
}

// dial connects with the options under test.
func dial(t testing.TB, addr string, options ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	options = append(options, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(jsonCodec{})))
	conn, err := grpc.NewClient(addr, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// watch opens a stream and asks for answers.
func watch(t testing.TB, ctx context.Context, conn *grpc.ClientConn, answers ...*response) grpc.ClientStream {
	t.Helper()
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, methodWatch)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.SendMsg(&request{Answers: answers}); err != nil {
		t.Fatal(err)
	}
	return stream
}
