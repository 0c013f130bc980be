package collector

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/telltale-agent/telltale/agent"
	"github.com/telltale-agent/telltale/exporters"
	"github.com/telltale-agent/telltale/instruments"
	"github.com/telltale-agent/telltale/interop/internal/harness"
	"github.com/telltale-agent/telltale/interop/internal/otlpserver"
)

// TestEveryDocumentedMetricArrives pushes from a program that embeds the agent and uses the metrics whose label values
// nobody can know beforehand: with them every documented name arrives.
func TestEveryDocumentedMetricArrives(t *testing.T) {
	t.Parallel()
	c := otlpserver.Start(t, otlpserver.GRPC)
	a, err := agent.Start(context.Background(),
		agent.Config{OTLP: []exporters.Target{{URL: c.URL()}}, PushInterval: time.Hour},
		agent.WithEnvironment(func(string) string { return "" }), agent.WithLogger(slog.New(slog.NewTextHandler(t.Output(), nil))))
	if err != nil {
		t.Fatal(err)
	}
	reg := a.Instruments()
	instruments.RegisteredServers.In(reg).Set(2, instruments.ServerVersion{Version: "18.2.0"})
	instruments.TrustedClusters.In(reg).Set(1, instruments.TrustedCluster{Cluster: "leaf", State: "connected"})
	instruments.CacheEvents.In(reg).Add(3, instruments.Cache{Component: "node"})
	instruments.CacheStaleEvents.In(reg).Add(1, instruments.Cache{Component: "node"})
	instruments.WatcherEvents.In(reg).Record(300, instruments.Watched{Resource: "role"})
	if err := a.Shutdown(context.Background()); err != nil {
		t.Errorf("stop the agent: %v", err)
	}

	last, err := c.Last()
	if err != nil {
		t.Fatal(err)
	}
	metrics := last.ByName(t)
	for _, row := range harness.ReadDocumented(t) {
		metric, ok := metrics[row.Name]
		switch {
		case !ok:
			t.Errorf("%s has not arrived", row.Name)
		case kind(metric) != row.Kind || metric.Unit() != row.Unit:
			t.Errorf("%s is a %s in %q, want a %s in %q", row.Name, kind(metric), metric.Unit(), row.Kind, row.Unit)
		}
	}
}
