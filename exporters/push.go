package exporters

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/telltale-agent/telltale/instruments"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// ErrPushStopped is returned for what comes after Shutdown.
var ErrPushStopped = errors.New("push is stopped")

// PushOptions is what only code can pass to NewPush.
type PushOptions struct {
	// Logger takes one line when trouble with the collector begins and one
	// when it ends. Nil means slog.Default().
	Logger *slog.Logger

	// Name is what the push is called in its log, its errors and the endpoint
	// label. Empty means Target.Endpoint().
	Name string
}

// Push sends everything that one meter provider measures to one collector, at
// an interval, in a goroutine of its own: a collector that is slow, gone or
// out of its mind slows nothing but its own push.
//
// The order is NewPush, metric.WithReader(push.Reader()) for a new provider,
// Attach with the registry on that provider, and in the end Shutdown. All
// methods are safe for concurrent use.
//
// It collects and exports by itself, where the SDK's PeriodicReader would give
// up an export because one callback returned an error, end the process because
// one panicked, report each failure to a global handler, and stop in its own
// time rather than in the caller's.
type Push struct {
	target   Target // with its defaults
	endpoint string
	logger   *slog.Logger
	reader   *pushReader

	sender *sender // used by the loop's goroutine alone

	filler atomic.Pointer[filler]
	meter  atomic.Pointer[pushMeter]

	ctx     context.Context // ends when Shutdown begins
	cancel  context.CancelFunc
	flush   chan flushRequest
	final   chan context.Context // the context of Shutdown, once
	done    chan struct{}        // closed when the loop has ended
	stop    sync.Once
	stopErr error // of the final export; read after done
}

type flushRequest struct {
	ctx    context.Context
	result chan<- error
}

// NewPush checks t, reads its files and starts the push. Its errors are those
// of Target.Validate: what it accepts can fail only because of the collector
// or the way to it. It does not connect before the first export, which comes
// one interval later.
func NewPush(t Target, options PushOptions) (*Push, error) {
	if err := t.Validate(); err != nil {
		return nil, err
	}
	dial, err := newDialer(t.withDefaults())
	if err != nil {
		return nil, err
	}
	return newPush(t, dial, options)
}

// newPush starts the push of a valid target over the wires that dial makes.
func newPush(t Target, dial dialer, options PushOptions) (*Push, error) {
	secrets := newRedactor(t)
	t = t.withDefaults()
	endpoint := or(options.Name, t.Endpoint())
	first, err := dial()
	if err != nil {
		return nil, fmt.Errorf("push to %s: %s", endpoint, secrets.text(err.Error()))
	}
	logger := options.Logger
	if logger == nil {
		logger = slog.Default()
	}
	p := &Push{
		target: t, endpoint: endpoint,
		logger: logger.With("component", "push", "endpoint", endpoint),
		sender: &sender{dial: dial, wire: first, secrets: secrets, interval: t.Interval, backoff: firstBackoff},
		reader: &pushReader{ManualReader: metric.NewManualReader(
			metric.WithTemporalitySelector(t.temporalitySelector()),
			metric.WithAggregationSelector(metric.DefaultAggregationSelector),
		)},
		flush: make(chan flushRequest),
		final: make(chan context.Context, 1),
		done:  make(chan struct{}),
	}
	p.reader.push = p
	p.ctx, p.cancel = context.WithCancel(context.Background())
	go p.run()
	return p, nil
}

// Reader is to be given to exactly one meter provider. Flushing or shutting
// down that provider flushes or shuts down the push.
func (p *Push) Reader() metric.Reader { return p.reader }

// Attach gives the push the registry that lives on the provider of its reader:
// from then on it sends the registry's summaries and the histograms without
// recordings, too, and reports about itself in telltale_push_*. A nil registry
// changes nothing.
func (p *Push) Attach(reg *instruments.Registry) {
	if reg == nil {
		return
	}
	cumulative := p.target.temporalitySelector()(metric.InstrumentKindHistogram) == metricdata.CumulativeTemporality
	p.filler.Store(&filler{reg: reg, attached: time.Now(), histograms: cumulative})
	p.meter.Store(newPushMeter(reg, p.endpoint))
}

// ForceFlush collects and exports now and returns what came of it. It waits
// for an export under way, and not longer than ctx.
func (p *Push) ForceFlush(ctx context.Context) error {
	result := make(chan error, 1)
	select {
	case p.flush <- flushRequest{ctx, result}:
	case <-p.ctx.Done():
		return ErrPushStopped
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case err := <-result:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Shutdown gives up an export under way, exports once more without retrying,
// and stops. It returns when that is done or when ctx ends, whatever the
// collector and the callbacks do; the goroutine then ends as soon as the
// callback that it is in lets it. Later and concurrent calls wait for the same
// end and return the same error; only the first call's ctx bounds the export.
func (p *Push) Shutdown(ctx context.Context) error {
	p.stop.Do(func() {
		p.final <- ctx
		p.cancel()
	})
	select {
	case <-p.done:
		return p.stopErr
	case <-ctx.Done():
	}
	select {
	case <-p.done: // both at once
		return p.stopErr
	default:
		return fmt.Errorf("push to %s: stop: %w", p.endpoint, context.Cause(ctx))
	}
}

// run is the only goroutine that collects and exports.
func (p *Push) run() {
	defer close(p.done)
	ticker := time.NewTicker(p.target.Interval)
	defer ticker.Stop()
	for {
		select {
		case <-p.ctx.Done():
			p.finish(<-p.final)
			return
		default:
		}
		select {
		case <-ticker.C:
			_ = p.cycle(p.ctx, cycleOptions{}) // counted and logged there
		case request := <-p.flush:
			request.result <- p.flushed(request.ctx)
			ticker.Reset(p.target.Interval)
		case <-p.ctx.Done():
		}
	}
}

// flushed runs a cycle that ends with either context.
func (p *Push) flushed(caller context.Context) error {
	ctx, cancel := context.WithCancelCause(p.ctx)
	defer cancel(nil)
	defer context.AfterFunc(caller, func() { cancel(context.Cause(caller)) })()
	if err := caller.Err(); err != nil {
		return err
	}
	return p.cycle(ctx, cycleOptions{})
}

// finish is the last cycle. What was measured since the one before must not be
// lost to an old wish of the collector to be left alone, and there is no time
// to try twice.
func (p *Push) finish(ctx context.Context) {
	p.stopErr = p.cycle(ctx, cycleOptions{final: true})
	p.sender.close()
	if err := p.reader.ManualReader.Shutdown(ctx); p.stopErr == nil && !errors.Is(err, metric.ErrReaderShutdown) {
		p.stopErr = err
	}
}

// pushReader is the SDK's side of a push. Embedding makes it a Reader, of
// which the SDK knows only its own kinds.
type pushReader struct {
	*metric.ManualReader
	push *Push
}

// ForceFlush is what MeterProvider.ForceFlush calls.
func (r *pushReader) ForceFlush(ctx context.Context) error { return r.push.ForceFlush(ctx) }

// Shutdown is what MeterProvider.Shutdown calls.
func (r *pushReader) Shutdown(ctx context.Context) error { return r.push.Shutdown(ctx) }
