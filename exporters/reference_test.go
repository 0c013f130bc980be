package exporters

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"google.golang.org/protobuf/proto"

	"github.com/telltale-agent/telltale/instruments"
)

// reference does to client_golang what a test does to a bridge. Both must show
// the same.
type reference struct {
	t        *testing.T
	bridge   *bridge
	registry *prometheus.Registry
	random   *rand.Rand
	names    []string
}

func TestSameAsClientGolang(t *testing.T) {
	for seed := range uint64(30) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := reference{
				t:        t,
				bridge:   newBridge(t, PrometheusOptions{}),
				registry: prometheus.NewRegistry(),
				random:   rand.New(rand.NewPCG(seed, 0)),
			}
			r.declared()
			for n := range 1 + r.random.IntN(20) {
				r.foreign(n)
			}
			r.compare()
		})
	}
}

func (r *reference) compare() {
	r.t.Helper()
	query := "/metrics?" + url.Values{"name[]": r.names}.Encode()
	plain := promhttp.HandlerFor(r.registry, promhttp.HandlerOpts{})
	text := acceptHeaders[4].accept
	got, want := r.bridge.get(query, "Accept", text).Body.String(), do(plain, http.MethodGet, query, "Accept", text).Body.String()
	if got != want {
		r.t.Errorf("text: got\n%s\nwant\n%s", got, want)
	}
	binary := acceptHeaders[3].accept
	ours, theirs := decode(r.t, r.bridge.get(query, "Accept", binary)), decodeProto(r.t, plain, query, binary)
	if got, want := strings.Join(ours.names(), " "), strings.Join(theirs.names(), " "); got != want {
		r.t.Errorf("protobuf: got %s, want %s", got, want)
	}
	for name, family := range theirs {
		for _, m := range family.Metric { // the bridge does not know since when a series exists
			clearCreated(m)
		}
		if !proto.Equal(ours[name], family) {
			r.t.Errorf("protobuf: got %v, want %v", ours[name], family)
		}
	}
}

func decodeProto(t *testing.T, h http.Handler, query, accept string) scrapeResult {
	w := do(h, http.MethodGet, query, "Accept", accept)
	w.Header().Set("Content-Type", protoContent)
	return decode(t, w)
}

func clearCreated(m *dto.Metric) {
	if m.Counter != nil {
		m.Counter.CreatedTimestamp = nil
	}
	if m.Histogram != nil {
		m.Histogram.CreatedTimestamp = nil
	}
}

// value is one that both can add up exactly in any order, or any finite number.
func (r *reference) value() float64 {
	switch r.random.IntN(4) {
	case 0:
		return float64(r.random.IntN(1000))
	case 1:
		return float64(r.random.IntN(1<<20)) / 1024
	case 2:
		return math.Ldexp(1, r.random.IntN(20))
	}
	return 0
}

var referenceTexts = []string{"", "a", "b", "GET", "/path/{id}", "with \"quotes\"", "back\\slash", "new\nline", "übergroß", "日本", "\t", "a,b=c", "{}"}

func (r *reference) text() string { return referenceTexts[r.random.IntN(len(referenceTexts))] }

// labels gives up to n label sets, none twice.
func (r *reference) labels(n int, names ...string) [][]string {
	var sets [][]string
	seen := make(map[string]bool)
	for range 1 + r.random.IntN(n) {
		set := make([]string, len(names))
		for i := range set {
			set[i] = r.text()
		}
		if key := fmt.Sprintf("%q", set); !seen[key] {
			seen[key] = true
			sets = append(sets, set)
		}
	}
	return sets
}

// declared moves the metrics that the tests declare.
func (r *reference) declared() {
	labels := []string{"method", "path"}
	counter := prometheus.NewCounter(prometheus.CounterOpts{Name: "scrapetest_events", Help: "Events."})
	counters := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "scrapetest_requests_total", Help: "Requests."}, labels)
	gauges := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "scrapetest_open", Help: "Open files."}, labels)
	histogram := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "scrapetest_seconds", Help: "Time taken.", Buckets: []float64{0.5, 1, 2}})
	histograms := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "scrapetest_sizes", Help: "Sizes.", Buckets: []float64{0, 100}}, labels)
	r.registry.MustRegister(counter, counters, gauges, histogram, histograms)
	r.names = append(r.names, "scrapetest_events", "scrapetest_requests_total", "scrapetest_open", "scrapetest_seconds", "scrapetest_sizes")
	counters.WithLabelValues("get", "a")
	counters.WithLabelValues("put", "a")
	histograms.WithLabelValues("get", "b")
	histograms.WithLabelValues("put", "b")

	registry := r.bridge.registry
	for range r.random.IntN(5) {
		v := r.value()
		counter.Add(v)
		scrapedCounter.In(registry).Add(v)
		histogram.Observe(v)
		scrapedHistogram.In(registry).Record(v)
	}
	for _, set := range r.labels(10, labels...) {
		v, l := r.value(), scrapedLabels{set[0], set[1]}
		counters.WithLabelValues(set...).Add(v)
		scrapedCounterBy.In(registry).Add(v, l)
		gauges.WithLabelValues(set...).Set(-v)
		scrapedGaugeBy.In(registry).Set(-v, l)
		histograms.WithLabelValues(set...).Observe(v)
		scrapedHistogramBy.In(registry).Record(v, l)
	}
}

// foreign makes an instrument of an embedder.
func (r *reference) foreign(n int) {
	name, help := fmt.Sprintf("reference_%d", n), "Help "+r.text()
	labels := []string{"a", "b_c", "Z"}[:r.random.IntN(4)]
	r.names = append(r.names, name)
	meter, ctx := r.bridge.foreign(), context.Background()
	attributes := func(set []string) metric.MeasurementOption {
		var kvs []attribute.KeyValue
		for i, label := range labels {
			kvs = append(kvs, attribute.String(label, set[i]))
		}
		return metric.WithAttributes(kvs...)
	}
	switch instruments.Kind(1 + r.random.IntN(3)) {
	case instruments.KindCounter:
		theirs := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
		r.registry.MustRegister(theirs)
		ours := noErr(meter.Float64Counter(name, metric.WithDescription(help)))
		for _, set := range r.labels(20, labels...) {
			v := r.value()
			theirs.WithLabelValues(set...).Add(v)
			ours.Add(ctx, v, attributes(set))
		}
	case instruments.KindGauge:
		theirs := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
		r.registry.MustRegister(theirs)
		ours := noErr(meter.Int64Gauge(name, metric.WithDescription(help)))
		for _, set := range r.labels(20, labels...) {
			v := r.random.Int64N(1<<50) - 1<<49
			theirs.WithLabelValues(set...).Set(float64(v))
			ours.Record(ctx, v, attributes(set))
		}
	case instruments.KindHistogram:
		buckets := []float64{-1, 0, 0.25, 1, 1000, 1e6}[r.random.IntN(3):]
		theirs := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
		r.registry.MustRegister(theirs)
		ours := noErr(meter.Float64Histogram(name, metric.WithDescription(help), metric.WithExplicitBucketBoundaries(buckets...)))
		for _, set := range r.labels(10, labels...) {
			for range 1 + r.random.IntN(5) {
				v := r.value() - 1
				theirs.WithLabelValues(set...).Observe(v)
				ours.Record(ctx, v, attributes(set))
			}
		}
	}
}
