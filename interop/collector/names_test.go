package collector

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/telltale-agent/telltale/interop/internal/harness"
	"github.com/telltale-agent/telltale/interop/internal/otlpserver"
)

// TestDocumentedMetricsArrive looks at the first push of a fresh telltale over each protocol: all documented metrics
// are there with kind, unit, temporality and buckets as documented, the histograms without any observation and the
// summary included, and the names are those of /metrics.
func TestDocumentedMetricsArrive(t *testing.T) {
	t.Parallel()
	documented := harness.ReadDocumented(t)
	for _, protocol := range otlpserver.Protocols() {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			c := otlpserver.Start(t, protocol)
			telltale := harness.Start(t, "--otlp", c.URL(), "--push-interval", pushInterval, "--service-name", "interop")
			first := c.AwaitPushes(t, 1)[0]
			metrics := first.ByName(t)
			for _, row := range documented {
				metric, ok := metrics[row.Name]
				if !ok && row.AtFirst() > 0 {
					t.Errorf("the first push has no %s", row.Name)
				}
				if ok {
					checkMetric(t, row, metric)
				}
			}
			checkService(t, first, "interop")
			awaitSameNames(t, telltale, c)
		})
	}
}

// checkMetric compares a pushed metric with its documentation.
func checkMetric(t *testing.T, row harness.Documented, metric pmetric.Metric) {
	t.Helper()
	if metric.Unit() != row.Unit {
		t.Errorf("unit of %s is %q, want %q", row.Name, metric.Unit(), row.Unit)
	}
	if metric.Description() == "" {
		t.Errorf("%s has no description", row.Name)
	}
	if got := kind(metric); got != row.Kind {
		t.Errorf("%s is a %s, want a %s", row.Name, got, row.Kind)
	}
	points := 0
	switch metric.Type() {
	case pmetric.MetricTypeHistogram:
		points = metric.Histogram().DataPoints().Len()
		checkEmptyHistogram(t, row, metric.Histogram())
	case pmetric.MetricTypeSummary:
		points = metric.Summary().DataPoints().Len()
		checkSummary(t, row, metric.Summary())
	default:
		points = otlpserver.NumberPoints(metric).Len()
	}
	if points < row.AtFirst() {
		t.Errorf("%s has %d points in the first push, want %d", row.Name, points, row.AtFirst())
	}
}

// kind is the documented word for the type of a pushed metric.
func kind(metric pmetric.Metric) string {
	const cumulative = pmetric.AggregationTemporalityCumulative
	switch metric.Type() {
	case pmetric.MetricTypeSum:
		sum := metric.Sum()
		switch {
		case sum.AggregationTemporality() != cumulative:
			return "sum that is not cumulative"
		case sum.IsMonotonic():
			return "counter"
		default:
			return "gauge"
		}
	case pmetric.MetricTypeHistogram:
		if metric.Histogram().AggregationTemporality() != cumulative {
			return "histogram that is not cumulative"
		}
	default:
	}
	return strings.ToLower(metric.Type().String())
}

// checkEmptyHistogram wants the documented bounds and no observation.
func checkEmptyHistogram(t *testing.T, row harness.Documented, histogram pmetric.Histogram) {
	t.Helper()
	points := histogram.DataPoints()
	for i := range points.Len() {
		point := points.At(i)
		if got := point.ExplicitBounds().AsRaw(); !slices.Equal(got, row.Buckets) {
			t.Errorf("buckets of %s are %v, want %v", row.Name, got, row.Buckets)
		}
		want := make([]uint64, len(row.Buckets)+1)
		if got := point.BucketCounts().AsRaw(); point.Count() != 0 || point.Sum() != 0 || !slices.Equal(got, want) {
			t.Errorf("%s has count %d, sum %v, buckets %v, want none", row.Name, point.Count(), point.Sum(), got)
		}
		if point.StartTimestamp() == 0 || point.Timestamp() < point.StartTimestamp() {
			t.Errorf("%s is from %v to %v", row.Name, point.StartTimestamp(), point.Timestamp())
		}
	}
}

// checkSummary wants the five quantiles.
func checkSummary(t *testing.T, row harness.Documented, summary pmetric.Summary) {
	t.Helper()
	points := summary.DataPoints()
	for i := range points.Len() {
		var got []float64
		quantiles := points.At(i).QuantileValues()
		for q := range quantiles.Len() {
			got = append(got, quantiles.At(q).Quantile())
		}
		if want := []float64{0, 0.25, 0.5, 0.75, 1}; !slices.Equal(got, want) {
			t.Errorf("quantiles of %s are %v, want %v", row.Name, got, want)
		}
	}
}

// checkService wants one resource, of the service named.
func checkService(t *testing.T, p otlpserver.Push, want string) {
	t.Helper()
	resources := p.Metrics.ResourceMetrics()
	if resources.Len() != 1 {
		t.Fatalf("a push has %d resources, want 1", resources.Len())
	}
	got, _ := resources.At(0).Resource().Attributes().Get("service.name")
	if got.AsString() != want {
		t.Errorf("service.name is %q, want %q", got.AsString(), want)
	}
}

// awaitSameNames waits until the latest push and a scrape made after it name the same metrics. The names of semantic
// conventions have dots, which /metrics cannot show.
func awaitSameNames(t *testing.T, telltale *harness.Process, c *otlpserver.Collector) {
	t.Helper()
	harness.Await(t, "pushed names to equal scraped names", func() error {
		last, err := c.Last()
		if err != nil {
			return err
		}
		pushed := map[string]bool{}
		for name := range last.ByName(t) {
			pushed[strings.ReplaceAll(name, ".", "_")] = true
		}
		families, err := telltale.Scrape()
		if err != nil {
			return err
		}
		scraped := map[string]bool{}
		for name := range families {
			scraped[name] = true
		}
		if !maps.Equal(pushed, scraped) {
			return fmt.Errorf("only pushed: %q, only scraped: %q", without(pushed, scraped), without(scraped, pushed))
		}
		return nil
	})
}

// without is what of a is not in b, sorted.
func without(a, b map[string]bool) []string {
	var rest []string
	for _, name := range slices.Sorted(maps.Keys(a)) {
		if !b[name] {
			rest = append(rest, name)
		}
	}
	return rest
}
