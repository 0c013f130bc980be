package exporters

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"

	"github.com/telltale-agent/telltale/instruments"
)

// lintExceptions are the metrics that Prometheus' conventions would name
// otherwise: 16 of the documented ones, and 3 that have their name from the
// semantic conventions of OpenTelemetry. These names are given, and stay. No
// metric of Telltale's own may be added.
var lintExceptions = []string{
	"audit_failed_disk_monitoring",
	"audit_failed_emit_events",
	"etcd_backend_batch_read_requests",
	"etcd_backend_read_requests",
	"etcd_backend_tx_requests",
	"etcd_backend_write_requests",
	"firestore_events_backend_batch_read_requests",
	"firestore_events_backend_batch_write_requests",
	"gcs_event_storage_downloads",
	"gcs_event_storage_uploads",
	"rx",
	"server_interactive_sessions_total",
	"teleport_audit_emit_events",
	"teleport_cache_events",
	"teleport_cache_stale_events",
	"tx",

	"go_goroutine_count",
	"go_memory_allocated",
	"go_memory_allocations",
}

func TestPromlint(t *testing.T) {
	var families []*dto.MetricFamily
	for d := range instruments.All() {
		if !strings.Contains(strings.ToLower(d.Component), "test") {
			families = append(families, familyOf(d))
		}
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]string)
	for _, p := range problems {
		got[p.Metric] = p.Text
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if !slices.Contains(lintExceptions, name) {
			t.Errorf("%s: %s", name, got[name])
		}
	}
	for _, name := range lintExceptions {
		if got[name] == "" {
			t.Errorf("%s: nothing is wrong with it; it needs no exception", name)
		}
	}
}

// familyOf gives a declaration as a scrape shows it, with one series.
func familyOf(d instruments.Declaration) *dto.MetricFamily {
	m := &dto.Metric{}
	for _, label := range d.Labels {
		m.Label = append(m.Label, labelPair(label, "a"))
	}
	f := &dto.MetricFamily{Name: &d.Name, Help: &d.Help, Metric: []*dto.Metric{m}}
	switch d.Kind {
	case instruments.KindCounter:
		f.Type, m.Counter = dto.MetricType_COUNTER.Enum(), &dto.Counter{Value: new(float64)}
	case instruments.KindGauge:
		f.Type, m.Gauge = dto.MetricType_GAUGE.Enum(), &dto.Gauge{Value: new(float64)}
	case instruments.KindHistogram:
		f.Type, m.Histogram = dto.MetricType_HISTOGRAM.Enum(), zeroHistogram(d.Buckets)
	case instruments.KindSummary:
		f.Type, m.Summary = dto.MetricType_SUMMARY.Enum(), &dto.Summary{SampleCount: new(uint64), SampleSum: new(float64)}
	}
	return f
}
