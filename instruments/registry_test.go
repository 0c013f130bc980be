package instruments

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/exemplar"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is a registry on the real SDK with readers to look at it.
type rig struct {
	*Registry
	readers []*sdkmetric.ManualReader
	log     *logBuffer
}

type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

// lines gives what was logged, without what every line has.
func (b *logBuffer) lines() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	text := strings.TrimSpace(b.buf.String())
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

func newRig(t testing.TB, options ...Option) *rig { return newRigOf(t, 1, options...) }

func newRigOf(t testing.TB, readers int, options ...Option) *rig {
	t.Helper()
	rig := &rig{log: &logBuffer{}}
	sdkOptions := []sdkmetric.Option{
		sdkmetric.WithExemplarFilter(exemplar.AlwaysOffFilter),
		sdkmetric.WithCardinalityLimit(0),
	}
	for range readers {
		reader := sdkmetric.NewManualReader()
		rig.readers = append(rig.readers, reader)
		sdkOptions = append(sdkOptions, sdkmetric.WithReader(reader))
	}
	logger := slog.New(slog.NewTextHandler(rig.log, &slog.HandlerOptions{
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	}))
	provider := sdkmetric.NewMeterProvider(sdkOptions...)
	var err error
	rig.Registry, err = New(provider, append([]Option{WithLogger(logger)}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := rig.Close(); err != nil {
			t.Error(err)
		}
		if err := provider.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return rig
}

// seen is what one collection shows: metric name, then label set as
// "a=1,b=2", then value. Of a histogram the value is the count.
type seen map[string]map[string]float64

func (r *rig) collect(t testing.TB) seen {
	t.Helper()
	return r.collectFrom(t, 0, context.Background())
}

func (r *rig) collectFrom(t testing.TB, reader int, ctx context.Context) seen {
	t.Helper()
	var data metricdata.ResourceMetrics
	if err := r.readers[reader].Collect(ctx, &data); err != nil {
		t.Error(err)
	}
	all := seen{}
	for _, scope := range data.ScopeMetrics {
		for _, m := range scope.Metrics {
			if all[m.Name] != nil {
				t.Errorf("%s comes out twice", m.Name)
			}
			all[m.Name] = pointsOf(t, m)
		}
	}
	return all
}

func pointsOf(t testing.TB, m metricdata.Metrics) map[string]float64 {
	t.Helper()
	points := map[string]float64{}
	put := func(set attribute.Set, v float64) {
		key := labelString(set)
		if _, ok := points[key]; ok {
			t.Errorf("%s{%s} comes out twice", m.Name, key)
		}
		points[key] = v
	}
	switch data := m.Data.(type) {
	case metricdata.Sum[float64]:
		for _, p := range data.DataPoints {
			put(p.Attributes, p.Value)
		}
	case metricdata.Sum[int64]:
		for _, p := range data.DataPoints {
			put(p.Attributes, float64(p.Value))
		}
	case metricdata.Gauge[float64]:
		for _, p := range data.DataPoints {
			put(p.Attributes, p.Value)
		}
	case metricdata.Gauge[int64]:
		for _, p := range data.DataPoints {
			put(p.Attributes, float64(p.Value))
		}
	case metricdata.Histogram[float64]:
		for _, p := range data.DataPoints {
			put(p.Attributes, float64(p.Count))
		}
	case metricdata.Histogram[int64]:
		for _, p := range data.DataPoints {
			put(p.Attributes, float64(p.Count))
		}
	default:
		t.Errorf("%s is a %T", m.Name, m.Data)
	}
	return points
}

func labelString(set attribute.Set) string {
	var labels []string
	for _, a := range set.ToSlice() {
		labels = append(labels, string(a.Key)+"="+a.Value.String())
	}
	return strings.Join(labels, ",")
}

// check compares the series of one metric.
func (s seen) check(t testing.TB, name string, want map[string]float64) {
	t.Helper()
	if got := s[name]; !maps.Equal(got, want) {
		t.Errorf("%s shows %v, want %v", name, got, want)
	}
}

type one = map[string]float64

// scratch takes back at the end of the test what the test declares.
func scratch(t testing.TB) {
	theCatalogue.mu.Lock()
	defer theCatalogue.mu.Unlock()
	rows, taken := theCatalogue.rows, maps.Clone(theCatalogue.taken)
	theCatalogue.rows = slices.Clip(rows)
	t.Cleanup(func() {
		theCatalogue.mu.Lock()
		defer theCatalogue.mu.Unlock()
		theCatalogue.rows, theCatalogue.taken = rows, taken
	})
}

// spec is a declaration with nothing wrong.
func spec(name string) Spec { return Spec{Name: name, Unit: "1", Help: "A metric of the tests."} }

func sampled(name string) Spec {
	s := spec(name)
	s.Sampled = true
	return s
}

func buckets(name string, bounds ...float64) Spec {
	s := spec(name)
	s.Buckets = bounds
	return s
}

// shelf is the label set of the tests.
type shelf struct {
	Room string `label:"room"`
	Row  string `label:"row"`
}

func TestZeroValuesFromTheFirstCollection(t *testing.T) {
	scratch(t)
	Must(DeclareCounter(spec("test_counter")))
	Must(DeclareCounterBy(spec("test_counters"), shelf{"a", "1"}, shelf{"a", "2"}))
	Must(DeclareCounterBy[shelf](spec("test_unknown_counters")))
	Must(DeclareGauge(spec("test_gauge")))
	Must(DeclareGaugeBy(spec("test_gauges"), shelf{"b", "1"}))
	Must(DeclareCounter(sampled("test_sampled_counter")))
	Must(DeclareGauge(sampled("test_sampled_gauge")))
	got := newRig(t).collect(t)
	got.check(t, "test_counter", one{"": 0})
	got.check(t, "test_counters", one{"room=a,row=1": 0, "room=a,row=2": 0})
	got.check(t, "test_gauge", one{"": 0})
	got.check(t, "test_gauges", one{"room=b,row=1": 0})
	for _, name := range []string{"test_unknown_counters", "test_sampled_counter", "test_sampled_gauge"} {
		got.check(t, name, nil)
	}
}

func TestZeroHistograms(t *testing.T) {
	scratch(t)
	Must(DeclareHistogram(buckets("test_plain", 1, 2)))
	Must(DeclareHistogramBy(buckets("test_known", 5), shelf{"a", "1"}, shelf{"a", "2"}))
	Must(DeclareHistogramBy[shelf](buckets("test_unknown", 5)))
	hidden := buckets("test_hidden", 1)
	hidden.Sampled = true
	Must(DeclareHistogram(hidden))
	rig := newRig(t)
	late := Must(DeclareHistogram(buckets("test_late", 7)))
	late.In(rig.Registry)

	got := map[string][]string{}
	for _, zero := range rig.ZeroHistograms() {
		for _, set := range zero.Sets {
			got[zero.Name] = append(got[zero.Name], labelString(set))
		}
		if zero.Name == "test_plain" && (!slices.Equal(zero.Buckets, []float64{1, 2}) || zero.Unit != "1" || zero.Help == "") {
			t.Errorf("test_plain has the wrong row: %+v", zero)
		}
	}
	want := map[string][]string{
		"test_plain": {""}, "test_known": {"room=a,row=1", "room=a,row=2"}, "test_late": {""},
		"test_unknown": nil, "test_hidden": nil,
	}
	for name, sets := range want {
		if !slices.Equal(got[name], sets) {
			t.Errorf("%s is to be shown with %q, want %q", name, got[name], sets)
		}
	}
}

func TestNilRegistryRecordsNothing(t *testing.T) {
	scratch(t)
	var none *Registry
	counter := Must(DeclareCounter(spec("test_counter")))
	counters := Must(DeclareCounterBy[shelf](spec("test_counters")))
	gauge := Must(DeclareGauge(spec("test_gauge")))
	gauges := Must(DeclareGaugeBy[shelf](spec("test_gauges")))
	histogram := Must(DeclareHistogram(buckets("test_histogram", 1)))
	histograms := Must(DeclareHistogramBy[shelf](buckets("test_histograms", 1)))
	at := shelf{"a", "1"}
	counter.In(none).Inc()
	counter.In(none).Add(-1)
	counters.In(none).At(at).Inc()
	counters.In(none).Add(1, at)
	gauge.In(none).Set(1)
	gauge.In(none).Inc()
	gauge.In(none).Dec()
	gauges.In(none).At(at).Add(1)
	gauges.In(none).Set(1, at)
	gauges.In(none).Forget(at)
	histogram.In(none).Record(1)
	histograms.In(none).At(at).Record(1)
	histograms.In(none).Record(1, at)
	none.Observe("test", func(context.Context, *Observation) { t.Error("a nil registry calls a source") })()
	Summary{}.Observe(none, func() SummaryPoint { return SummaryPoint{} })()
	counter.Observe(nil, 1)
	counters.Observe(&Observation{}, 1, at)
	if err := none.Close(); err != nil {
		t.Error(err)
	}
}

func TestClosedRegistryIsSilent(t *testing.T) {
	scratch(t)
	counter := Must(DeclareCounter(spec("test_counter")))
	gauges := Must(DeclareGaugeBy[shelf](spec("test_gauges")))
	histogram := Must(DeclareHistogram(buckets("test_histogram", 1)))
	rig := newRig(t)
	late := Must(DeclareCounter(spec("test_late")))
	late.In(rig.Registry).Inc()
	tooLate := Must(DeclareCounter(spec("test_too_late")))
	foreign, err := rig.MeterProvider().Meter("embedder").Int64ObservableGauge("foreign",
		metric.WithInt64Callback(func(_ context.Context, o metric.Int64Observer) error { o.Observe(1); return nil }))
	if err != nil || foreign == nil {
		t.Fatal(err)
	}
	rig.Observe("before", func(context.Context, *Observation) { t.Error("a source is called after Close") })
	c, g, h := counter.In(rig.Registry), gauges.In(rig.Registry), histogram.In(rig.Registry)
	for range 2 {
		if err := rig.Close(); err != nil {
			t.Fatal(err)
		}
	}
	c.Inc()
	g.Set(1, shelf{"a", "1"})
	g.Forget(shelf{"a", "1"})
	h.Record(1)
	tooLate.In(rig.Registry).Inc()
	rig.Observe("after", func(context.Context, *Observation) { t.Error("a source is called after Close") })()
	if got := rig.collect(t); len(got) != 0 {
		t.Errorf("a closed registry still shows %v", got)
	}
}

func TestRegistriesAreIndependent(t *testing.T) {
	scratch(t)
	counter := Must(DeclareCounter(spec("test_counter")))
	first, second := newRig(t), newRig(t)
	counter.In(first.Registry).Add(3)
	counter.In(second.Registry).Add(4)
	first.collect(t).check(t, "test_counter", one{"": 3})
	second.collect(t).check(t, "test_counter", one{"": 4})
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second.collect(t).check(t, "test_counter", one{"": 4})
}

func TestDeclarationsAfterNew(t *testing.T) {
	scratch(t)
	rig := newRig(t)
	counter := Must(DeclareCounter(spec("test_late_counter")))
	gauges := Must(DeclareGaugeBy(spec("test_late_gauges"), shelf{"a", "1"}))
	histogram := Must(DeclareHistogram(buckets("test_late_histogram", 1)))
	if one, other := counter.In(rig.Registry), counter.In(rig.Registry); one != other {
		t.Error("two handles of one counter differ")
	}
	counter.In(rig.Registry).Add(2)
	gauges.In(rig.Registry)
	histogram.In(rig.Registry).Record(1)
	got := rig.collect(t)
	got.check(t, "test_late_counter", one{"": 2})
	got.check(t, "test_late_gauges", one{"room=a,row=1": 0})
	got.check(t, "test_late_histogram", one{"": 1})
}

func TestLateDeclarationsWhileCollecting(t *testing.T) {
	scratch(t)
	rig := newRig(t)
	var declarations []Counter
	for _, name := range []string{"test_a", "test_b", "test_c", "test_d", "test_e", "test_f", "test_g"} {
		declarations = append(declarations, Must(DeclareCounter(spec(name))))
	}
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			for _, d := range declarations {
				d.In(rig.Registry).Inc()
			}
		})
	}
	group.Go(func() {
		for range 20 {
			rig.collect(t)
		}
	})
	group.Wait()
	got := rig.collect(t)
	for _, d := range declarations {
		got.check(t, d.Declaration().Name, one{"": 2})
	}
}

func TestCloseWhileDeclaring(t *testing.T) {
	scratch(t)
	rig := newRig(t)
	var group sync.WaitGroup
	for _, name := range []string{"test_a", "test_b", "test_c", "test_d"} {
		d := Must(DeclareCounter(spec(name)))
		group.Go(func() { d.In(rig.Registry).Inc() })
	}
	group.Go(func() {
		if err := rig.Close(); err != nil {
			t.Error(err)
		}
	})
	group.Wait()
	if got := rig.collect(t); len(got) != 0 {
		t.Errorf("a closed registry still shows %v", got)
	}
}

func TestNewReportsEveryInstrumentThatFails(t *testing.T) {
	_, err := New(brokenProvider{})
	if err == nil || !strings.Contains(err.Error(), `create counter "telltale_recordings_rejected_total": `+errBroken.Error()) {
		t.Errorf("got error %v", err)
	}
	if err != nil && strings.Contains(err.Error(), "\n") {
		t.Errorf("more than one line: %q", err)
	}
}

// brokenProvider makes meters that create no counter.
type brokenProvider struct{ noop.MeterProvider }

type brokenMeter struct{ noop.Meter }

var errBroken = errors.New("no counters today")

func (brokenProvider) Meter(string, ...metric.MeterOption) metric.Meter { return brokenMeter{} }

func (brokenMeter) Float64ObservableCounter(string, ...metric.Float64ObservableCounterOption) (metric.Float64ObservableCounter, error) {
	return nil, errBroken
}
