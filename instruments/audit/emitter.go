package audit

import (
	"context"

	"github.com/telltale-agent/telltale/instruments"
)

// Emitter stores audit events of the type E, or sends them to where they are
// stored.
type Emitter[E any] interface {
	// Emit returns an error if the event is lost.
	Emit(ctx context.Context, event E) error
}

// EmitterFunc makes an [Emitter] of a function.
type EmitterFunc[E any] func(ctx context.Context, event E) error

// Emit calls f.
func (f EmitterFunc[E]) Emit(ctx context.Context, event E) error { return f(ctx, event) }

// Wrap returns an emitter that counts in reg what goes through inner, and what
// of that is lost. It hands on context, event and error as they are, also a
// panic, and is as safe for concurrent use as inner.
func Wrap[E any](reg *instruments.Registry, inner Emitter[E]) Emitter[E] {
	return &emitter[E]{
		inner:  inner,
		events: instruments.AuditEvents.In(reg),
		failed: instruments.AuditEventsFailed.In(reg),
	}
}

type emitter[E any] struct {
	inner  Emitter[E]
	events *instruments.CounterCell
	failed *instruments.CounterCell
}

func (e *emitter[E]) Emit(ctx context.Context, event E) error {
	e.events.Inc()
	stored := false
	defer func() { // also after a panic or runtime.Goexit of inner
		if !stored {
			e.failed.Inc()
		}
	}()
	err := e.inner.Emit(ctx, event)
	stored = err == nil
	return err
}
