package exporters

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/telltale-agent/telltale/instruments"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

type cycleOptions struct {
	final bool // the last one: no waiting, no retrying
}

// cycle collects, exports, and tells about it. It never takes longer than the
// target's ExportTimeout, but for a callback that does not return.
func (p *Push) cycle(parent context.Context, o cycleOptions) error {
	if wait := p.sender.throttledFor(time.Now()); wait > 0 && !o.final {
		// Nothing is collected, so that deltas go on to add up.
		return fmt.Errorf("push to %s: the collector asked to wait another %v", p.endpoint, wait.Round(time.Millisecond))
	}
	ctx, cancel := context.WithTimeout(parent, p.target.ExportTimeout)
	defer cancel()
	rm, err := p.collect(ctx)
	if err != nil {
		return p.notCollected(parent, err)
	}
	var c cleaner
	c.clean(rm)
	if len(rm.ScopeMetrics) == 0 {
		return nil
	}
	start := time.Now()
	result := p.send(ctx, rm, o)
	if result.err != nil && p.ctx.Err() != nil && !o.final {
		return ErrPushStopped // given up for Shutdown, which exports the same again
	}
	p.meter.Load().exported(result, time.Since(start))
	if result.err == nil {
		p.meter.Load().dropped(c.dropped)
		p.meter.Load().cut(c.cut)
	}
	p.sender.trouble.note(p.logger, result)
	if result.err != nil {
		return fmt.Errorf("push to %s: %w", p.endpoint, result.err)
	}
	return nil
}

func (p *Push) send(ctx context.Context, rm *metricdata.ResourceMetrics, o cycleOptions) exportResult {
	ctx, cancel := context.WithTimeout(ctx, p.target.Timeout)
	defer cancel()
	return p.sender.send(ctx, rm, o)
}

// collect reads the provider. An error of somebody's callback costs only what
// that callback would have said; a panic costs this cycle.
func (p *Push) collect(ctx context.Context) (*metricdata.ResourceMetrics, error) {
	rm := new(metricdata.ResourceMetrics)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	err := recovered("collection", func() error {
		err := p.reader.Collect(instruments.BoundCallbacks(ctx), rm)
		if err == nil || rm.Resource != nil && !isPanic(err) {
			p.filler.Load().fill(ctx, rm)
			return nil
		}
		return err
	})
	return rm, err
}

func isPanic(err error) bool {
	_, ok := errors.AsType[*panicError](err)
	return ok
}

// notCollected tells why there is nothing to export. Without a provider, or
// after its end, that is in order.
func (p *Push) notCollected(parent context.Context, err error) error {
	switch {
	case errors.Is(err, metric.ErrReaderNotRegistered), errors.Is(err, metric.ErrReaderShutdown):
		return nil
	case parent.Err() != nil:
		return fmt.Errorf("push to %s: collect: %w", p.endpoint, context.Cause(parent))
	}
	result := exportResult{reason: instruments.PushOther, err: fmt.Errorf("collect: %s", p.sender.secrets.text(err.Error()))}
	p.meter.Load().exported(result, 0)
	p.sender.trouble.note(p.logger, result)
	return fmt.Errorf("push to %s: %w", p.endpoint, result.err)
}
