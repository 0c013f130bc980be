package exporters

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/exemplar"

	"github.com/telltale-agent/telltale/instruments"
)

// scraped is the component of the metrics that the tests of scrapes declare.
const scraped = "Scrape test"

type scrapedLabels struct {
	Method string `label:"method"`
	Path   string `label:"path"`
}

var (
	scrapedCounter = instruments.Must(instruments.DeclareCounter(instruments.Spec{
		Name: "scrapetest_events", Unit: "{event}", Help: "Events.", Component: scraped,
	}))
	scrapedCounterBy = instruments.Must(instruments.DeclareCounterBy(instruments.Spec{
		Name: "scrapetest_requests_total", Unit: "{request}", Help: "Requests.", Component: scraped,
	}, scrapedLabels{"get", "a"}, scrapedLabels{"put", "a"}))
	_ = instruments.Must(instruments.DeclareGauge(instruments.Spec{
		Name: "scrapetest_temperature", Unit: "Cel", Help: "Temperature.", Component: scraped,
	}))
	scrapedGaugeBy = instruments.Must(instruments.DeclareGaugeBy[scrapedLabels](instruments.Spec{
		Name: "scrapetest_open", Unit: "{file}", Help: "Open files.", Component: scraped,
	}))
	scrapedSampled = instruments.Must(instruments.DeclareGauge(instruments.Spec{
		Name: "scrapetest_sampled", Unit: "By", Help: "Sampled bytes.", Component: scraped, Sampled: true,
	}))
	scrapedHistogram = instruments.Must(instruments.DeclareHistogram(instruments.Spec{
		Name: "scrapetest_seconds", Unit: "s", Help: "Time taken.", Component: scraped, Buckets: []float64{0.5, 1, 2},
	}))
	scrapedHistogramBy = instruments.Must(instruments.DeclareHistogramBy(instruments.Spec{
		Name: "scrapetest_sizes", Unit: "By", Help: "Sizes.", Component: scraped, Buckets: []float64{0, 100},
	}, scrapedLabels{"put", "b"}, scrapedLabels{"get", "b"}))
)

// bridge is a Prometheus exporter with a provider and a registry of its own.
type bridge struct {
	*Prometheus
	provider *sdkmetric.MeterProvider
	registry *instruments.Registry
	log      *lines
}

// newBridge makes a bridge that is taken down with the test.
func newBridge(t testing.TB, options PrometheusOptions) *bridge {
	t.Helper()
	return newBridgeOf(t, options, instruments.DefaultSeriesLimit)
}

// newBridgeOf is newBridge with another bound on the series of a metric.
func newBridgeOf(t testing.TB, options PrometheusOptions, limit int) *bridge {
	t.Helper()
	b := &bridge{log: new(lines)}
	options.Logger = b.log.logger()
	var err error
	if b.Prometheus, err = NewPrometheus(options); err != nil {
		t.Fatal(err)
	}
	b.provider = sdkmetric.NewMeterProvider(sdkmetric.WithReader(b.Reader()),
		sdkmetric.WithExemplarFilter(exemplar.AlwaysOffFilter), sdkmetric.WithCardinalityLimit(limit))
	b.registry, err = instruments.New(b.provider, instruments.WithSeriesLimit(limit), instruments.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	b.Attach(b.registry)
	t.Cleanup(func() {
		b.Stop()
		_ = b.registry.Close()
		_ = b.provider.Shutdown(context.Background())
	})
	return b
}

// foreign is a meter such as an embedder gets.
func (b *bridge) foreign() metric.Meter { return b.registry.MeterProvider().Meter("embedder") }

// get scrapes with headers given as name, value, name, value.
func (b *bridge) get(target string, headers ...string) *httptest.ResponseRecorder {
	return do(b.Handler(), http.MethodGet, target, headers...)
}

func do(h http.Handler, method, target string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// scrape gets everything and fails the test unless it is a valid scrape with
// every metric that must be there.
func (b *bridge) scrape(t testing.TB) scrapeResult {
	t.Helper()
	w := b.get("/metrics")
	if w.Code != http.StatusOK {
		t.Fatalf("got %d %s, want 200", w.Code, w.Body)
	}
	result := parseScrape(t, w.Body.String())
	result.checkDeclared(t)
	return result
}

// scrapeResult holds the families of a scrape by their name.
type scrapeResult map[string]*dto.MetricFamily

func parseScrape(t testing.TB, body string) scrapeResult {
	t.Helper()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(body))
	if err != nil {
		t.Fatalf("the scrape is invalid: %v\n%s", err, body)
	}
	for name, family := range families {
		seen := make(map[string]bool)
		for _, m := range family.Metric {
			if key := labelKey(m); seen[key] {
				t.Errorf("%s has the series %v twice", name, m.Label)
			} else {
				seen[key] = true
			}
		}
	}
	return families
}

// checkDeclared tells what is missing of the metrics that every scrape shows.
func (r scrapeResult) checkDeclared(t testing.TB) {
	t.Helper()
	for d := range instruments.All() {
		if d.Sampled || d.Kind == instruments.KindSummary || len(d.Labels) > 0 && len(d.Known) == 0 {
			continue
		}
		family, ok := r[d.Name]
		if !ok {
			t.Errorf("%s is missing", d.Name)
			continue
		}
		if got := strings.ToLower(family.GetType().String()); got != d.Kind.String() {
			t.Errorf("%s is a %s, want %s", d.Name, got, d.Kind)
		}
		if got, want := len(family.Metric), max(1, len(d.Known)); got < want {
			t.Errorf("%s has %d series, want at least %d", d.Name, got, want)
		}
	}
}

func (r scrapeResult) names() []string { return slices.Sorted(maps.Keys(r)) }

// value gives the value of a counter or gauge with the labels given as name,
// value, name, value.
func (r scrapeResult) value(t testing.TB, name string, labels ...string) float64 {
	t.Helper()
	m := r.series(name, labels...)
	if m == nil {
		t.Errorf("%s%v is missing", name, labels)
		return 0
	}
	switch {
	case m.Counter != nil:
		return m.Counter.GetValue()
	case m.Gauge != nil:
		return m.Gauge.GetValue()
	}
	t.Errorf("%s is no counter or gauge", name)
	return 0
}

func (r scrapeResult) series(name string, labels ...string) *dto.Metric {
	for _, m := range r[name].GetMetric() {
		var got []string
		for _, l := range m.Label {
			got = append(got, l.GetName(), l.GetValue())
		}
		if slices.Equal(got, labels) {
			return m
		}
	}
	return nil
}

// dropped gives telltale_scrape_series_dropped_total.
func (r scrapeResult) dropped(t testing.TB, reason instruments.ScrapeLossReason) float64 {
	t.Helper()
	return r.value(t, "telltale_scrape_series_dropped_total", "reason", string(reason))
}
