package prometheus

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/value"

	"github.com/telltale-agent/telltale/interop/internal/harness"
	"github.com/telltale-agent/telltale/interop/internal/promserver"
)

// TestDashboardQueries asks what dashboards and alerts ask, of a server that scrapes telltale in its default way.
func TestDashboardQueries(t *testing.T) {
	t.Parallel()
	telltale := harness.Start(t)
	s := startServer(t, telltale.Addr(), promserver.Jobs("telltale", ""))
	s.Scrapes(t, "telltale", 2)

	rows := []struct {
		name   string
		query  string
		series int // how many come back
		ok     func(float64) bool
	}{
		{"target is up", `up`, 1, equals(1)},
		{"process is ok", `process_state == 0`, 1, equals(0)},
		{"never degraded", `max_over_time(process_state[1m]) < bool 2`, 1, equals(1)},
		{"rate of a silent counter", `rate(user_login_total[1m])`, 1, equals(0)},
		{"rate by label", `sum by (component) (rate(backend_read_requests_total[1m]))`, 2, equals(0)},
		{"a counter without _total", `increase(rx[1m]) + increase(tx[1m])`, 1, equals(0)},
		{"gauge beside a counter of nearly the same name", `auth_generate_requests + on(instance) auth_generate_requests_total`, 1, equals(0)},
		{"sum over a label", `sum(teleport_connected_resources)`, 1, equals(0)},
		{"which build runs", `count by (version, gitref, goversion) (teleport_build_info)`, 1, equals(1)},
		{"join on the build", `process_state * on(instance) group_left(version) teleport_build_info`, 1, equals(0)},
		{"uptime", `time() - process_start_time_seconds`, 1, above(0)},
		{"share of descriptors", `process_open_fds / process_max_fds`, 1, above(0)},
		{"processor time", `process_cpu_seconds_total`, 1, above(0)},
		{"heap", `go_memstats_heap_inuse_bytes <= on(instance) go_memstats_heap_sys_bytes`, 1, above(0)},
		{"share of the processor that the collector takes", `go_memstats_gc_cpu_fraction`, 1, within(0, 1)},
		{"longest pause", `go_gc_duration_seconds{quantile="1.0"}`, 1, within(0, 10)},
		{"mean pause", `go_gc_duration_seconds_sum / (go_gc_duration_seconds_count > 0)`, 1, within(0, 10)},
		{"scrapes answered", `increase(promhttp_metric_handler_requests_total{code="200"}[1m])`, 1, above(0)},
		{"scrapes failed", `sum(promhttp_metric_handler_requests_total{code!="200"})`, 1, equals(0)},
		{"the running scrape", `promhttp_metric_handler_requests_in_flight`, 1, equals(1)},
		{"quantile of an empty histogram", `histogram_quantile(0.99, sum by (le) (etcd_backend_read_seconds_bucket))`, 1, math.IsNaN},
		{"quantile by label", `histogram_quantile(0.99, sum by (le, component) (backend_read_seconds_bucket))`, 2, math.IsNaN},
		{"quantile of a moving histogram", `histogram_quantile(0.9, sum by (le) (telltale_scrape_duration_seconds_bucket))`, 1, within(0, 10)},
		{"quantile of its rate", `histogram_quantile(0.5, sum by (le) (rate(telltale_scrape_duration_seconds_bucket[1m])))`, 1, within(0, 10)},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			harness.Await(t, row.query, func() error {
				vector, err := s.Query(row.query, time.Now())
				if err != nil {
					return err
				}
				if len(vector) != row.series {
					return fmt.Errorf("%d series, want %d: %v", len(vector), row.series, vector)
				}
				for _, sample := range vector {
					if !row.ok(sample.F) {
						return fmt.Errorf("value is not as it should be: %v", sample)
					}
				}
				return nil
			})
		})
	}
}

func equals(want float64) func(float64) bool { return func(got float64) bool { return got == want } }
func above(bound float64) func(float64) bool { return func(got float64) bool { return got > bound } }
func within(low, high float64) func(float64) bool {
	return func(got float64) bool { return low <= got && got <= high }
}

// TestNativeBuckets has a server turn the classic histograms into native ones with custom buckets while it scrapes.
func TestNativeBuckets(t *testing.T) {
	t.Parallel()
	documented := harness.ReadDocumented(t)
	telltale := harness.Start(t)
	s := startServer(t, telltale.Addr(), promserver.Jobs("nhcb", "scrape_native_histograms: true\nconvert_classic_histograms_to_nhcb: true"))
	first := s.Scrapes(t, "nhcb", 1)[0].At
	for _, row := range documented {
		if row.Kind != "histogram" || row.AtFirst() == 0 {
			continue
		}
		vector := s.MustQuery(t, row.Name, first)
		if len(vector) < row.AtFirst() {
			t.Errorf("%s has %d native histograms, want %d", row.Name, len(vector), row.AtFirst())
		}
		for _, sample := range vector {
			if sample.H == nil || len(sample.H.CustomValues) != len(row.Buckets) || sample.H.Count != 0 {
				t.Errorf("%v is %v, want an empty histogram with %d bounds", sample.Metric, sample.H, len(row.Buckets))
			}
		}
	}
}

// TestStopIsSeen stops telltale between scrapes. The server notices at the next one: up falls to 0 and every series
// ends with a stale marker, so that queries stop showing it at once. No scrape is answered with success and without
// the metrics, also not the one that meets the shutdown.
func TestStopIsSeen(t *testing.T) {
	t.Parallel()
	telltale := harness.Start(t)
	s := startServer(t, telltale.Addr(), promserver.Jobs("telltale", ""))
	s.Scrapes(t, "telltale", 2)
	telltale.Stop(t)

	harness.Await(t, "up to fall", func() error {
		if ups := s.Stored(t, "up"); ups[len(ups)-1].Value != 0 {
			return fmt.Errorf("it is %v", ups[len(ups)-1])
		}
		return nil
	})
	states := s.Stored(t, "process_state")
	if n := len(states); n == 0 || !value.IsStaleNaN(states[n-1].Value) {
		t.Errorf("the samples of process_state are %v, want a stale marker at the end", states)
	}
	alive := s.MustQuery(t, `{job="telltale", __name__!~"up|scrape_.*"}`, time.Now())
	if len(alive) > 0 {
		t.Errorf("%d series live on after the end, the first is %v", len(alive), alive[0])
	}
	s.checkNoEmptySuccess(t)
}

// checkNoEmptySuccess compares each successful scrape's number of samples with the first one's.
func (s server) checkNoEmptySuccess(t *testing.T) {
	t.Helper()
	samples := s.Stored(t, "scrape_samples_scraped")
	for i, up := range s.Stored(t, "up") {
		if up.Value == 1 && samples[i].Value < samples[0].Value {
			t.Errorf("scrape %d succeeded with %v samples, the first had %v", i, samples[i].Value, samples[0].Value)
		}
	}
}

// TestDashboardsSurviveRestart follows a counter over a restart of telltale on the same address.
func TestDashboardsSurviveRestart(t *testing.T) {
	t.Parallel()
	const query = `resets(promhttp_metric_handler_requests_total{code="200"}[5m])`
	first := harness.Start(t)
	s := startServer(t, first.Addr(), promserver.Jobs("telltale", ""))
	s.Scrapes(t, "telltale", 2)
	first.Stop(t)
	harness.Start(t, "--diag-addr", first.Addr())

	harness.Await(t, "the restart to show as one reset", func() error {
		vector, err := s.Query(query, time.Now())
		if err != nil || len(vector) != 1 || vector[0].F != 1 {
			return fmt.Errorf("%s is %v, %v", query, vector, err)
		}
		return nil
	})
	starts := s.Stored(t, "process_start_time_seconds")
	if starts[0].Value >= starts[len(starts)-1].Value {
		t.Errorf("start time %v did not move on from %v", starts[len(starts)-1].Value, starts[0].Value)
	}
}
