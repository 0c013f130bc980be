package prometheus

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql"

	"github.com/telltale-agent/telltale/interop/internal/harness"
	"github.com/telltale-agent/telltale/interop/internal/promserver"
)

// protocols are the scrape jobs of the test: what a server asks for, and what of it the answer must be.
var protocols = []struct {
	job      string
	settings string
	asks     string // what the Accept header must begin with: the server really asked for it
	answer   string // media type of the answer
}{
	{"default", "", "application/openmetrics-text;version=1.0.0", "text/plain"},
	{"text004", "scrape_protocols: [PrometheusText0.0.4]", "text/plain;version=0.0.4", "text/plain"},
	{"text100", "scrape_protocols: [PrometheusText1.0.0]", "text/plain;version=1.0.0", "text/plain"},
	{"openmetrics001", "scrape_protocols: [OpenMetricsText0.0.1]", "application/openmetrics-text;version=0.0.1", "text/plain"},
	{"openmetrics100", "scrape_protocols: [OpenMetricsText1.0.0]", "application/openmetrics-text;version=1.0.0", "text/plain"},
	{"protobuf", "scrape_protocols: [PrometheusProto]", "application/vnd.google.protobuf", "application/vnd.google.protobuf"},
	{"native", "scrape_native_histograms: true", "application/vnd.google.protobuf", "application/vnd.google.protobuf"},
	{"legacy", "metric_name_validation_scheme: legacy\nmetric_name_escaping_scheme: underscores", "application/openmetrics-text;version=1.0.0", "text/plain"},
}

// TestEveryProtocol lets one fresh telltale be scraped with everything that a server can ask for. Whatever it asks
// for, each documented metric is stored from the first scrape under its own name, with its own type, labels and
// buckets, and no job stores a name that another does not.
func TestEveryProtocol(t *testing.T) {
	t.Parallel()
	documented := harness.ReadDocumented(t)
	telltale := harness.Start(t)
	tap := startTap(t, telltale.Addr())
	var pairs []string
	for _, p := range protocols {
		pairs = append(pairs, p.job, "metrics_path: /"+p.job+"/metrics\n"+p.settings)
	}
	s := startServer(t, tap.addr, promserver.Jobs(pairs...))

	for _, p := range protocols {
		t.Run(p.job, func(t *testing.T) {
			first := s.Scrapes(t, p.job, 2)[0].At
			tap.check(t, p.job, p.asks, p.answer)
			for _, row := range documented {
				s.checkFirstScrape(t, row, p.job, first)
				s.checkMetadata(t, row, p.job)
			}
			s.checkNamesEqual(t, "default", p.job)
		})
	}
}

// checkFirstScrape queries a documented metric at the time of the first scrape.
func (s server) checkFirstScrape(t *testing.T, row harness.Documented, job string, at time.Time) {
	t.Helper()
	if row.AtFirst() == 0 {
		return
	}
	switch row.Kind {
	case "histogram":
		s.checkHistogram(t, row, job, at)
	case "summary":
		s.checkSummary(t, row, job, at)
	default:
		s.checkSeries(t, row, row.Name, job, at)
	}
}

// checkSeries queries one series name and compares the label sets with the row's. It returns the samples.
func (s server) checkSeries(t *testing.T, row harness.Documented, name, job string, at time.Time, extra ...string) promql.Vector {
	t.Helper()
	vector := s.MustQuery(t, fmt.Sprintf("%s{job=%q}", name, job), at)
	want := slices.Sorted(slices.Values(slices.Concat(row.Labels, extra, []string{"__name__", "instance", "job"})))
	seen := map[string]bool{}
	for _, sample := range vector {
		var got []string
		for label := range sample.Metric.Map() {
			got = append(got, label)
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("job %s: %s has labels %q, want %q", job, name, got, want)
		}
		if len(row.Labels) == 1 {
			seen[sample.Metric.Get(row.Labels[0])] = true
		}
		if silent(row.Name) && sample.F != 0 {
			t.Errorf("job %s: %v is %v on the first scrape, want 0", job, sample.Metric, sample.F)
		}
	}
	if len(vector) < row.AtFirst() {
		t.Errorf("job %s: %s has %d series on the first scrape, want %d at least", job, name, len(vector), row.AtFirst())
	}
	for _, value := range row.Values {
		if !seen[value] {
			t.Errorf("job %s: %s has no series with %s=%q on the first scrape", job, name, row.Labels[0], value)
		}
	}
	return vector
}

// silent says that nothing in an idle telltale moves the metric.
func silent(name string) bool {
	for _, moving := range []string{"go_", "process_", "promhttp_", "teleport_build_info"} {
		if strings.HasPrefix(name, moving) {
			return false
		}
	}
	return true
}

// checkHistogram queries buckets, sum and count of a histogram.
func (s server) checkHistogram(t *testing.T, row harness.Documented, job string, at time.Time) {
	t.Helper()
	s.checkSeries(t, row, row.Name+"_sum", job, at)
	s.checkSeries(t, row, row.Name+"_count", job, at)
	bounds := map[string][]float64{} // by label value, or by nothing
	for _, sample := range s.checkSeries(t, row, row.Name+"_bucket", job, at, "le") {
		key := ""
		if len(row.Labels) == 1 {
			key = sample.Metric.Get(row.Labels[0])
		}
		bounds[key] = append(bounds[key], number(t, sample.Metric.Get("le")))
	}
	want := append(slices.Clone(row.Buckets), math.Inf(1))
	for key, got := range bounds {
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("job %s: buckets of %s{%s} are %v, want %v", job, row.Name, key, got, want)
		}
	}
}

// checkSummary queries quantiles, sum and count of a summary.
func (s server) checkSummary(t *testing.T, row harness.Documented, job string, at time.Time) {
	t.Helper()
	s.checkSeries(t, row, row.Name+"_sum", job, at)
	s.checkSeries(t, row, row.Name+"_count", job, at)
	var got []float64
	for _, sample := range s.checkSeries(t, row, row.Name, job, at, "quantile") {
		got = append(got, number(t, sample.Metric.Get("quantile")))
	}
	slices.Sort(got)
	if want := []float64{0, 0.25, 0.5, 0.75, 1}; !slices.Equal(got, want) {
		t.Errorf("job %s: quantiles of %s are %v, want %v", job, row.Name, got, want)
	}
}

func number(t *testing.T, text string) float64 {
	t.Helper()
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Errorf("le or quantile: %v", err)
	}
	return f
}

// checkMetadata asks the server what it knows of a metric that it has scraped.
func (s server) checkMetadata(t *testing.T, row harness.Documented, job string) {
	t.Helper()
	meta, ok := s.Target(t, job).GetMetadata(row.Name)
	if !ok {
		if row.AtFirst() > 0 {
			t.Errorf("job %s: the server knows nothing of %s", job, row.Name)
		}
		return
	}
	if want := model.MetricType(row.Kind); meta.Type != want {
		t.Errorf("job %s: type of %s is %s, want %s", job, row.Name, meta.Type, want)
	}
	if meta.Help == "" {
		t.Errorf("job %s: %s has no help text", job, row.Name)
	}
}

// checkNamesEqual waits until two jobs store the same series names. A name may show up in one job a moment before the
// other, since both scrape on their own.
func (s server) checkNamesEqual(t *testing.T, a, b string) {
	t.Helper()
	harness.Await(t, fmt.Sprintf("the names of job %s to equal those of job %s", b, a), func() error {
		inA, inB := s.names(t, a), s.names(t, b)
		if !maps.Equal(inA, inB) {
			return fmt.Errorf("only in %s: %q, only in %s: %q", a, without(inA, inB), b, without(inB, inA))
		}
		return nil
	})
}

// names are the series names that a job stores now.
func (s server) names(t *testing.T, job string) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, sample := range s.MustQuery(t, fmt.Sprintf("group by (__name__) ({job=%q})", job), time.Now()) {
		names[sample.Metric.Get("__name__")] = true
	}
	return names
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
