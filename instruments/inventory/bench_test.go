package inventory_test

import (
	"context"
	"fmt"
	"testing"

	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"google.golang.org/grpc"

	"github.com/telltale-agent/telltale/instruments/instrumentstest"
	"github.com/telltale-agent/telltale/instruments/inventory"
)

// crowded is an inventory with that many servers, each with its version.
func crowded(b *testing.B, e *instrumentstest.Exit, servers int) (*inventory.Inventory, []*inventory.Connection) {
	inv := inventory.New(e.Registry, inventory.Options{})
	b.Cleanup(inv.Close)
	conns := make([]*inventory.Connection, servers)
	for i := range conns {
		conns[i] = connect(b, inv, node(fmt.Sprint(i), fmt.Sprintf("1.0.%d", i)))
	}
	return inv, conns
}

// BenchmarkHeartbeat is a heartbeat among 1 and among 100 000 servers.
func BenchmarkHeartbeat(b *testing.B) {
	for _, servers := range []int{1, 100_000} {
		_, conns := crowded(b, instrumentstest.New(b), servers)
		b.Run(fmt.Sprint("servers=", servers), func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				_ = conns[i%len(conns)].Heartbeat()
			}
		})
		b.Run(fmt.Sprintf("servers=%d/parallel", servers), func(b *testing.B) {
			b.RunParallel(func(pb *testing.PB) {
				for i := 0; pb.Next(); i++ {
					_ = conns[i%len(conns)].Heartbeat()
				}
			})
		})
	}
}

// BenchmarkConnect is a connection that comes and goes among 100 000 servers.
func BenchmarkConnect(b *testing.B) {
	inv, _ := crowded(b, instrumentstest.New(b), 100_000)
	b.ReportAllocs()
	for b.Loop() {
		conn, _ := inv.Connect(node("1", "1.0.1"))
		conn.Close()
	}
}

// ready is a stream that receives at once.
type ready struct{ grpc.ServerStream }

func (ready) Context() context.Context { return context.Background() }
func (ready) RecvMsg(any) error        { return nil }

// BenchmarkRecvMsg shows what the interceptor adds to a message received.
func BenchmarkRecvMsg(b *testing.B) {
	inv, _ := crowded(b, instrumentstest.New(b), 1)
	b.Run("bare", func(b *testing.B) { runStream(b, nil) })
	b.Run("counted", func(b *testing.B) { runStream(b, inv) })
}

func runStream(b *testing.B, inv *inventory.Inventory) {
	receive := func(_ any, stream grpc.ServerStream) error {
		b.ReportAllocs()
		for b.Loop() {
			_ = stream.RecvMsg(nil)
		}
		return nil
	}
	if inv == nil {
		_ = receive(nil, ready{})
		return
	}
	metadata := func(context.Context, string, any) (inventory.Announcement, bool) { return node("1", "1.0.1"), true }
	_ = inv.StreamServerInterceptor(metadata)(nil, ready{}, &grpc.StreamServerInfo{}, receive)
}

// BenchmarkStream is a message and its answer on a real stream over loopback.
func BenchmarkStream(b *testing.B) {
	inv, _ := crowded(b, instrumentstest.New(b), 1)
	for name, inv := range map[string]*inventory.Inventory{"bare": nil, "counted": inv} {
		b.Run(name, func(b *testing.B) {
			stream, err := open(b.Context(), newAuth(b, inv).dial(b))
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if err := say(stream, "1"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkCollect is a collection with few versions, and with as many as there
// are servers.
func BenchmarkCollect(b *testing.B) {
	for _, servers := range []int{0, 100, 100_000} {
		b.Run(fmt.Sprint("versions=", servers), func(b *testing.B) {
			e := instrumentstest.New(b)
			crowded(b, e, servers)
			var data metricdata.ResourceMetrics
			b.ReportAllocs()
			for b.Loop() {
				e.Read(b, &data)
			}
		})
	}
}
