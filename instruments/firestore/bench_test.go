package firestore_test

import (
	"context"
	"io"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/telltale-agent/telltale/instruments"
	"github.com/telltale-agent/telltale/instruments/firestore"
)

// BenchmarkInterceptors shows what the interceptors add to calls that are
// answered at once.
func BenchmarkInterceptors(b *testing.B) {
	e := newExit(b)
	several := requestWith(b, 20)
	invoke := func(context.Context, string, any, any, *grpc.ClientConn, ...grpc.CallOption) error { return nil }
	stream := &silent{recv: func() error { return io.EOF }}
	open := func(context.Context, *grpc.StreamDesc, *grpc.ClientConn, string, ...grpc.CallOption) (grpc.ClientStream, error) {
		return stream, nil
	}
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	unary, streams := firestore.UnaryInterceptor(e.Registry), firestore.StreamInterceptor(e.Registry)
	b.Run("commit", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = unary(ctx, service+"Commit", several, nil, nil, invoke)
		}
	})
	b.Run("query", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s, _ := streams(ctx, nil, nil, service+"RunQuery", open)
			_ = s.RecvMsg(nil)
		}
	})
	b.Run("other", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = unary(ctx, service+"GetDocument", several, nil, nil, invoke)
		}
	})
}

// BenchmarkConnection compares measured requests with bare ones, to a server on
// the same machine.
func BenchmarkConnection(b *testing.B) {
	e := newExit(b)
	for _, row := range []struct {
		name     string
		registry *instruments.Registry
	}{{"bare", nil}, {"measured", e.Registry}} {
		conn := serve(b, row.registry, send(1, nil))
		b.Run("commit/"+row.name, func(b *testing.B) {
			req := requestWith(b, 20)
			b.ReportAllocs()
			for b.Loop() {
				if err := conn.Invoke(b.Context(), service+"Commit", req, &emptypb.Empty{}); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("query/"+row.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := drain(query(b, conn, b.Context(), "RunQuery")); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
