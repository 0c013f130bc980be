package agent

import (
	"context"
	"errors"
	"fmt"
	"strings"

	contribruntime "go.opentelemetry.io/contrib/instrumentation/runtime"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/exemplar"

	"github.com/telltale-agent/telltale/exporters"
	"github.com/telltale-agent/telltale/health"
	"github.com/telltale-agent/telltale/instruments"
	"github.com/telltale-agent/telltale/instruments/buildinfo"
	"github.com/telltale-agent/telltale/instruments/goruntime"
	"github.com/telltale-agent/telltale/instruments/process"
)

// pipeline is how measurements travel: one registry, one meter provider, and a
// reader for each exit.
type pipeline struct {
	prometheus *exporters.Prometheus
	pushes     []*exporters.Push
	provider   *sdkmetric.MeterProvider
	registry   *instruments.Registry
}

func newPipeline(p *plan, tracker *health.Tracker) (_ *pipeline, err error) {
	l := &pipeline{}
	defer func() {
		if err != nil {
			ctx, cancel := context.WithCancel(context.Background())
			cancel() // there is nothing to export yet
			err = errors.Join(err, l.close(ctx))
		}
	}()
	if err := l.openExits(p); err != nil {
		return nil, err
	}
	l.provider = sdkmetric.NewMeterProvider(l.providerOptions(p)...)
	l.registry, err = instruments.New(l.provider, instruments.WithSeriesLimit(p.SeriesLimit), instruments.WithLogger(p.logger))
	if err != nil {
		return nil, err
	}
	l.prometheus.Attach(l.registry)
	for _, push := range l.pushes {
		push.Attach(l.registry)
	}
	return l, l.observe(p, tracker)
}

func (l *pipeline) openExits(p *plan) (err error) {
	l.prometheus, err = exporters.NewPrometheus(exporters.PrometheusOptions{
		ScopeInfo:  p.ScopeInfo,
		TargetInfo: p.TargetInfo,
		Logger:     p.logger,
	})
	if err != nil {
		return err
	}
	names := exporters.PushNames(p.targets)
	for i, target := range p.targets {
		push, err := exporters.NewPush(target, exporters.PushOptions{Logger: p.logger, Name: names[i]})
		if err != nil {
			return err
		}
		l.pushes = append(l.pushes, push)
	}
	return nil
}

func (l *pipeline) providerOptions(p *plan) []sdkmetric.Option {
	options := []sdkmetric.Option{
		sdkmetric.WithResource(p.resource),
		// No text exposition carries exemplars, and each series with them costs
		// several times the memory.
		sdkmetric.WithExemplarFilter(exemplar.AlwaysOffFilter),
		sdkmetric.WithCardinalityLimit(p.SeriesLimit),
		sdkmetric.WithView(onlyDeclaredRuntime(), withoutOwnMachinery),
		sdkmetric.WithReader(l.prometheus.Reader()),
	}
	for _, push := range l.pushes {
		options = append(options, sdkmetric.WithReader(push.Reader()))
	}
	for _, reader := range p.readers {
		options = append(options, sdkmetric.WithReader(reader))
	}
	return options
}

// onlyDeclaredRuntime drops what the contrib runtime instrumentation creates
// beyond the catalogue. A variable in the environment (OTEL_GO_X_…) makes it add
// older names; those of /metrics must not depend on where the process runs.
func onlyDeclaredRuntime() sdkmetric.View {
	declared := make(map[string]bool)
	for d := range instruments.All() {
		if d.SemConv != "" {
			declared[d.SemConv] = true
		}
	}
	return func(i sdkmetric.Instrument) (sdkmetric.Stream, bool) {
		if !strings.HasPrefix(i.Scope.Name, contribruntime.ScopeName) || declared[i.Name] {
			return sdkmetric.Stream{}, false
		}
		return sdkmetric.Stream{Name: i.Name, Aggregation: sdkmetric.AggregationDrop{}}, true
	}
}

// withoutOwnMachinery drops what the readers and exporters of the pipeline itself
// tell the global provider if OTEL_GO_X_OBSERVABILITY is set and that is this one:
// names that nobody declared, with new labels after each failed push.
func withoutOwnMachinery(i sdkmetric.Instrument) (sdkmetric.Stream, bool) {
	for _, part := range []string{"sdk/metric/", "exporters/prometheus/", "exporters/otlp/otlpmetric/"} {
		if strings.HasPrefix(i.Scope.Name, "go.opentelemetry.io/otel/"+part) {
			return sdkmetric.Stream{Name: i.Name, Aggregation: sdkmetric.AggregationDrop{}}, true
		}
	}
	return sdkmetric.Stream{}, false
}

// observe binds everything that is read at collection.
func (l *pipeline) observe(p *plan, tracker *health.Tracker) error {
	goruntime.Observe(l.registry)
	observeHealth(l.registry, tracker)
	buildinfo.Set(l.registry, p.Build)
	if _, err := process.Observe(l.registry); err != nil {
		p.logger.Warn("process metrics are not available", "err", err)
	}
	if err := contribruntime.Start(contribruntime.WithMeterProvider(l.provider)); err != nil {
		return fmt.Errorf("start the runtime instrumentation: %w", err)
	}
	return nil
}

// push sends everything to all collectors a last time, side by side, and ends
// the pushing. It returns when ctx ends at the latest.
func (l *pipeline) push(ctx context.Context, p *plan) error {
	var exits []func(context.Context) error
	for _, push := range l.pushes {
		exits = append(exits, push.Shutdown) // ends with ctx, and says which collector it is about
	}
	for _, reader := range p.readers {
		exits = append(exits, func(ctx context.Context) error { return bounded(ctx, reader.Shutdown) })
	}
	results := make(chan error, len(exits))
	for _, shutdown := range exits {
		go func() { results <- shutdown(ctx) }()
	}
	var errs []error
	for range exits {
		errs = append(errs, <-results)
	}
	return errors.Join(errs...)
}

// close ends what is left, without another export. Recording afterwards does
// nothing.
func (l *pipeline) close(ctx context.Context) error {
	if l.prometheus != nil {
		l.prometheus.Stop()
	}
	err := l.registry.Close()
	if l.provider == nil { // its readers have nobody to shut them down
		return errors.Join(err, l.push(ctx, &plan{}))
	}
	// Readers that were shut down already say so; that is no fault.
	_ = bounded(ctx, l.provider.Shutdown)
	return err
}

// bounded returns when f does or ctx ends, whichever is first. Readers of the
// SDK may stay in a callback beyond their context.
func bounded(ctx context.Context, f func(context.Context) error) error {
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
