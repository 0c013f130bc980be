package prometheus

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/telltale-agent/telltale/agent"
	"github.com/telltale-agent/telltale/instruments"
	"github.com/telltale-agent/telltale/interop/internal/harness"
	"github.com/telltale-agent/telltale/interop/internal/promserver"
)

// TestEveryNameIsKnown scrapes a program that embeds the agent and uses the metrics whose label values nobody can know
// beforehand. With them there are series and metadata for every documented name, and a quantile is what was recorded.
func TestEveryNameIsKnown(t *testing.T) {
	t.Parallel()
	a, err := agent.Start(context.Background(), agent.Config{DiagAddr: "127.0.0.1:0"},
		agent.WithEnvironment(func(string) string { return "" }), agent.WithLogger(slog.New(slog.NewTextHandler(t.Output(), nil))))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Shutdown(context.Background()); err != nil {
			t.Errorf("stop the agent: %v", err)
		}
	})
	record(a.Instruments())

	s := startServer(t, a.Addr(), promserver.Jobs("embedded", ""))
	first := s.Scrapes(t, "embedded", 1)[0].At
	for _, row := range harness.ReadDocumented(t) {
		if _, ok := s.Target(t, "embedded").GetMetadata(row.Name); !ok {
			t.Errorf("the server knows nothing of %s", row.Name)
		}
		s.checkMetadata(t, row, "embedded")
		name := row.Name
		if row.Kind == "histogram" || row.Kind == "summary" {
			name += "_count"
		}
		if len(s.MustQuery(t, name, first)) == 0 {
			t.Errorf("no series of %s is stored", name)
		}
	}
	s.checkRecorded(t, first)
}

// record moves every metric that has no series at first, and some others.
func record(reg *instruments.Registry) {
	instruments.RegisteredServers.In(reg).Set(2, instruments.ServerVersion{Version: "18.2.0"})
	instruments.TrustedClusters.In(reg).Set(1, instruments.TrustedCluster{Cluster: "leaf", State: "connected"})
	instruments.CacheEvents.In(reg).Add(3, instruments.Cache{Component: "node"})
	instruments.CacheStaleEvents.In(reg).Add(1, instruments.Cache{Component: "node"})
	instruments.WatcherEvents.In(reg).Record(300, instruments.Watched{Resource: "role"})
	instruments.UserLogins.In(reg).Add(7)
	latencies := instruments.EtcdReadSeconds.In(reg)
	for range 9 {
		latencies.Record(0.003) // in the bucket from 0.002 to 0.004
	}
	latencies.Record(1) // in the bucket from 0.512 to 1.024
}

// checkRecorded asks for what record has recorded.
func (s server) checkRecorded(t *testing.T, at time.Time) {
	t.Helper()
	rows := []struct {
		query string
		ok    func(float64) bool
	}{
		{`teleport_registered_servers{version="18.2.0"}`, equals(2)},
		{`trusted_clusters{cluster="leaf", state="connected"}`, equals(1)},
		{`teleport_cache_stale_events{cache_component="node"} / teleport_cache_events`, within(0.33, 0.34)},
		{`watcher_events_count{resource="role"}`, equals(1)},
		{`watcher_events_sum`, equals(300)},
		{`watcher_events_bucket{le="200.0"}`, equals(0)},
		{`watcher_events_bucket{le="400.0"}`, equals(1)},
		{`user_login_total`, equals(7)},
		{`histogram_quantile(0.5, etcd_backend_read_seconds_bucket)`, within(0.002, 0.004)},
		{`histogram_quantile(0.99, etcd_backend_read_seconds_bucket)`, within(0.512, 1.024)},
		{`etcd_backend_read_seconds_sum / etcd_backend_read_seconds_count`, within(0.1026, 0.1028)},
	}
	for _, row := range rows {
		vector := s.MustQuery(t, row.query, at)
		if len(vector) != 1 || !row.ok(vector[0].F) {
			t.Errorf("%s is %v", row.query, vector)
		}
	}
}
