package instruments

import (
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/embedded"
)

// heldObserver keeps what a callback observes until the callback has come to
// its end. The SDK's own observer must not be used by a call that was left
// behind.
type heldObserver struct {
	embedded.Observer

	mu       sync.Mutex // guards the fields below: callbacks may use goroutines
	integers []held[metric.Int64Observable, int64]
	floats   []held[metric.Float64Observable, float64]
}

type held[I any, N int64 | float64] struct {
	instrument I
	value      N
	attributes attribute.Set // of the options, which may be anything: they are evaluated where a panic is recovered
}

func (h *heldObserver) ObserveInt64(instrument metric.Int64Observable, value int64, options ...metric.ObserveOption) {
	if isRefused(instrument) {
		return
	}
	attributes := metric.NewObserveConfig(options).Attributes()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.integers = append(h.integers, held[metric.Int64Observable, int64]{instrument, value, attributes})
}

func (h *heldObserver) ObserveFloat64(instrument metric.Float64Observable, value float64, options ...metric.ObserveOption) {
	if isRefused(instrument) {
		return
	}
	attributes := metric.NewObserveConfig(options).Attributes()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.floats = append(h.floats, held[metric.Float64Observable, float64]{instrument, value, attributes})
}

// replay passes everything on to o. A nil observer holds nothing.
func (h *heldObserver) replay(o metric.Observer) {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, v := range h.integers {
		o.ObserveInt64(v.instrument, v.value, metric.WithAttributeSet(v.attributes))
	}
	for _, v := range h.floats {
		o.ObserveFloat64(v.instrument, v.value, metric.WithAttributeSet(v.attributes))
	}
}

// int64Observer and float64Observer are what callbacks of a single instrument
// are given.
type (
	int64Observer struct {
		embedded.Int64Observer
		instrument metric.Int64Observable
		observer   metric.Observer
	}
	float64Observer struct {
		embedded.Float64Observer
		instrument metric.Float64Observable
		observer   metric.Observer
	}
)

func (o int64Observer) Observe(value int64, options ...metric.ObserveOption) {
	o.observer.ObserveInt64(o.instrument, value, options...)
}

func (o float64Observer) Observe(value float64, options ...metric.ObserveOption) {
	o.observer.ObserveFloat64(o.instrument, value, options...)
}
