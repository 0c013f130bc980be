package instruments

import (
	"context"
	"slices"
	"strings"
	"sync"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/embedded"
	"go.opentelemetry.io/otel/metric/noop"
)

// MeterProvider returns a provider for instruments of the embedder's own, or of
// libraries that it uses. They come out at the same exits as the declared
// metrics, but whatever they do costs only themselves: an instrument whose name
// is taken is refused, callbacks are recovered and bounded in time under the
// rules of [Registry.Observe].
func (r *Registry) MeterProvider() metric.MeterProvider { return guardedProvider{registry: r} }

type guardedProvider struct {
	embedded.MeterProvider
	registry *Registry
}

func (p guardedProvider) Meter(name string, options ...metric.MeterOption) metric.Meter {
	// The scope travels with every push, which one invalid byte would cost.
	config := metric.NewMeterConfig(options...)
	name = strings.ToValidUTF8(name, "\uFFFD")
	options = append(slices.Clip(options),
		metric.WithInstrumentationVersion(strings.ToValidUTF8(config.InstrumentationVersion(), "\uFFFD")),
		metric.WithSchemaURL(strings.ToValidUTF8(config.SchemaURL(), "\uFFFD")))
	return &guardedMeter{
		Meter:    p.registry.provider.Meter(name, options...),
		scope:    name,
		registry: p.registry,
	}
}

// guardedMeter is a meter of the SDK whose instruments were examined and whose
// callbacks are called through a guard.
type guardedMeter struct {
	metric.Meter
	scope    string
	registry *Registry
}

func (m *guardedMeter) admit(name string, id identity, description string) (string, error) {
	return m.registry.admit(m.scope, name, id, description)
}

// RegisterCallback registers f to be called under the rules of
// [Registry.Observe]. Instruments that were refused are left out.
func (m *guardedMeter) RegisterCallback(f metric.Callback, instruments ...metric.Observable) (metric.Registration, error) {
	instruments = slices.DeleteFunc(slices.Clone(instruments), isRefused)
	if len(instruments) == 0 {
		return noop.Registration{}, nil
	}
	g := &guardedCallback{callback: m.registry.newCallback(m.scope), fn: f}
	return m.Meter.RegisterCallback(g.collect, instruments...)
}

// isRefused tells the stand-ins for refused instruments from the SDK's.
func isRefused(instrument metric.Observable) bool {
	switch instrument.(type) {
	case noop.Int64ObservableCounter, noop.Int64ObservableUpDownCounter, noop.Int64ObservableGauge,
		noop.Float64ObservableCounter, noop.Float64ObservableUpDownCounter, noop.Float64ObservableGauge:
		return true
	}
	return false
}

// guardedCallback calls a callback of the embedder and passes on what it
// observed, or, when it fails, what it observed the last time.
type guardedCallback struct {
	*callback
	fn metric.Callback

	mu   sync.Mutex // guards last
	last *heldObserver
}

// collect never returns an error: the SDK would drop the whole export for it.
func (g *guardedCallback) collect(ctx context.Context, o metric.Observer) error {
	if g.registry.closed.Load() {
		return nil
	}
	g.call(ctx, func(ctx context.Context) error {
		held := &heldObserver{}
		if err := g.fn(ctx, held); err != nil {
			return err
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		g.last = held
		return nil
	})
	g.mu.Lock()
	defer g.mu.Unlock()
	g.last.replay(o)
	return nil
}
