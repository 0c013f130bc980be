// Package instrumentstest is a test kit for code that records into a registry:
// a registry on the real OpenTelemetry SDK whose values can be looked at.
//
//	exit := instrumentstest.New(t)
//	serve(exit.Registry)
//	exit.Want(t, instrumentstest.Values{"user_login_total": 1})
//
// [Open] and [Exit.Show] do the same for runnable examples.
package instrumentstest

import (
	"strings"
	"sync"
	"testing"
	"time"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/exemplar"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/telltale-agent/telltale/instruments"
)

// Exit is a registry and where its values come out. All methods are safe for
// concurrent use.
type Exit struct {
	*instruments.Registry

	mu     sync.Mutex // one collection at a time
	reader *sdkmetric.ManualReader
}

// Values are series and their values. A series is named like
// backend_read_requests_total{cache}: the label values stand in braces, in the
// order of the label names, separated by commas. A histogram has two,
// NAME_count and NAME_sum, with the labels behind those.
type Values map[string]float64

// New makes a registry with everything that is declared. It is closed when the
// test ends.
func New(t testing.TB, options ...instruments.Option) *Exit {
	t.Helper()
	e, err := open(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Errorf("close the registry: %v", err)
		}
	})
	return e
}

func open(options []instruments.Option) (*Exit, error) {
	reader := sdkmetric.NewManualReader()
	registry, err := instruments.New(sdkmetric.NewMeterProvider(
		sdkmetric.WithReader(reader),
		sdkmetric.WithExemplarFilter(exemplar.AlwaysOffFilter),
		sdkmetric.WithCardinalityLimit(0), // the registry has a bound of its own
	), options...)
	if err != nil {
		return nil, err
	}
	return &Exit{Registry: registry, reader: reader}, nil
}

// Collect returns every series of one collection. Histograms that were never
// recorded are not among them; the exporters add those.
func (e *Exit) Collect(t testing.TB) Values {
	t.Helper()
	var data metricdata.ResourceMetrics
	e.Read(t, &data)
	return valuesOf(&data)
}

func valuesOf(data *metricdata.ResourceMetrics) Values {
	values := make(Values)
	for _, scope := range data.ScopeMetrics {
		for _, m := range scope.Metrics {
			values.add(m)
		}
	}
	return values
}

func (v Values) add(m metricdata.Metrics) {
	for _, p := range points(m.Data) {
		v[m.Name+labels(p.Attributes.ToSlice())] = p.Value
	}
	if data, ok := m.Data.(metricdata.Histogram[float64]); ok {
		for _, p := range data.DataPoints {
			of := labels(p.Attributes.ToSlice())
			v[m.Name+"_count"+of] = float64(p.Count)
			v[m.Name+"_sum"+of] = p.Sum
		}
	}
}

// Want fails the test unless each of the series has the value given. Zero is
// also the value of a series that is not there.
func (e *Exit) Want(t testing.TB, want Values) {
	t.Helper()
	got := e.Collect(t)
	for series, value := range want {
		if got[series] != value {
			t.Errorf("%s: got %v, want %v", series, got[series], value)
		}
	}
}

// WantShown is Want, but zero must be shown as well.
func (e *Exit) WantShown(t testing.TB, want Values) {
	t.Helper()
	got := e.Collect(t)
	for series, value := range want {
		if shown, ok := got[series]; !ok || shown != value {
			t.Errorf("%s: got %v (shown: %t), want %v", series, shown, ok, value)
		}
	}
}

// What Await waits at most, and between two looks.
const (
	patience  = 30 * time.Second
	pollEvery = 5 * time.Millisecond
)

// Await is Want for what other goroutines are about to record: it fails the
// test when the values are not there after half a minute.
func (e *Exit) Await(t testing.TB, want Values) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for !e.Collect(t).has(want) {
		select {
		case <-tick.C:
		case <-deadline.C:
			e.Want(t, want)
			return
		}
	}
}

func (v Values) has(want Values) bool {
	for series, value := range want {
		if v[series] != value {
			return false
		}
	}
	return true
}

// With returns the series whose names begin with the prefix, for instance all
// those of one metric.
func (v Values) With(prefix string) Values {
	chosen := make(Values)
	for series, value := range v {
		if strings.HasPrefix(series, prefix) {
			chosen[series] = value
		}
	}
	return chosen
}
