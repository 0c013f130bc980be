package tunnel_test

import (
	"context"
	"fmt"
	"net"
	"testing"

	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/telltale-agent/telltale/instruments"
	"github.com/telltale-agent/telltale/instruments/instrumentstest"
	"github.com/telltale-agent/telltale/instruments/tunnel"
)

// BenchmarkDial shows what counting adds to a dialer that does nothing, and to
// one that connects over loopback.
func BenchmarkDial(b *testing.B) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			conn.Close()
		}
	}()
	defer listener.Close()
	addr := listener.Addr().String()
	for _, dialer := range []struct {
		name string
		dial tunnel.DialFunc
	}{
		{"nothing", func(context.Context, string, string) (net.Conn, error) { return nil, nil }},
		{"loopback", (&net.Dialer{}).DialContext},
	} {
		for _, wrapped := range []struct {
			name string
			dial tunnel.DialFunc
		}{
			{"bare", dialer.dial},
			{"counted", tunnel.NewAttempts(instrumentstest.New(b).Registry).Dialer(dialer.dial)},
		} {
			b.Run(dialer.name+"/"+wrapped.name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if conn, _ := wrapped.dial(context.Background(), "tcp", addr); conn != nil {
						conn.Close()
					}
				}
			})
		}
	}
}

// BenchmarkTunnel is one tunnel that comes and goes beside 10 000 others.
func BenchmarkTunnel(b *testing.B) {
	inv := tunnel.NewInventory(instrumentstest.New(b).Registry)
	for i := range 10_000 {
		inv.Expect(fmt.Sprint(i))
		_, _ = inv.Connected(instruments.TunnelNode, fmt.Sprint(i))
	}
	b.ReportAllocs()
	for b.Loop() {
		lease, _ := inv.Connected(instruments.TunnelNode, "one")
		lease.Close()
	}
}

// BenchmarkCollect is a collection with and without 100 clusters.
func BenchmarkCollect(b *testing.B) {
	for _, count := range []int{0, 100} {
		b.Run(fmt.Sprint("clusters=", count), func(b *testing.B) {
			e := instrumentstest.New(b)
			clusters := tunnel.NewClusters(e.Registry)
			defer clusters.Close()
			for i := range count {
				clusters.Open(fmt.Sprint(i), tunnel.Connected)
			}
			var data metricdata.ResourceMetrics
			b.ReportAllocs()
			for b.Loop() {
				e.Read(b, &data)
			}
		})
	}
}
