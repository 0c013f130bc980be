package audit

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"

	"github.com/telltale-agent/telltale/instruments/instrumentstest"
)

type event struct{ name string }

var errFull = errors.New("no room")

func TestEmit(t *testing.T) {
	type key struct{}
	ctx := context.WithValue(t.Context(), key{}, "kept")
	rows := []struct {
		name string
		err  error
		want map[string]float64
	}{
		{"stored", nil, events(1, 0)},
		{"lost", errFull, events(1, 1)},
		{"canceled", context.Canceled, events(1, 1)},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			m := instrumentstest.New(t)
			emitter := Wrap(m.Registry, EmitterFunc[event](func(ctx context.Context, e event) error {
				m.Want(t, events(1, 0)) // the attempt is counted first
				if ctx.Value(key{}) != "kept" || e.name != "login" {
					t.Errorf("got %v, %v", ctx, e)
				}
				return row.err
			}))
			if err := emitter.Emit(ctx, event{"login"}); err != row.err {
				t.Errorf("got %v, want the emitter's own error", err)
			}
			m.Want(t, row.want)
		})
	}
}

func TestEmitThatDoesNotReturn(t *testing.T) {
	for name, end := range map[string]func(){"panic": func() { panic(errFull) }, "goexit": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			m := instrumentstest.New(t)
			emitter := Wrap(m.Registry, EmitterFunc[event](func(context.Context, event) error { end(); return nil }))
			recovered := make(chan any)
			go func() {
				defer func() { recovered <- recover() }()
				_ = emitter.Emit(t.Context(), event{})
			}()
			if got := <-recovered; name == "panic" && got != error(errFull) {
				t.Errorf("recovered %v, want the emitter's own panic", got)
			}
			m.Want(t, events(1, 1))
		})
	}
}

func TestEmitWithoutRegistry(t *testing.T) {
	m := instrumentstest.New(t)
	m.Registry.Close()
	for name, emitter := range map[string]Emitter[event]{
		"nil":    Wrap[event](nil, EmitterFunc[event](func(context.Context, event) error { return errFull })),
		"closed": Wrap[event](m.Registry, EmitterFunc[event](func(context.Context, event) error { return errFull })),
	} {
		if err := emitter.Emit(t.Context(), event{}); err != errFull {
			t.Errorf("%s: got %v, want the emitter's own error", name, err)
		}
	}
}

func TestEmitConcurrently(t *testing.T) {
	m := instrumentstest.New(t)
	emitter := Wrap(m.Registry, EmitterFunc[int](func(_ context.Context, n int) error {
		if n%2 == 0 {
			return errFull
		}
		return nil
	}))
	const each = 2000
	var emitting sync.WaitGroup
	for range 4 {
		emitting.Go(func() {
			for n := range each {
				_ = emitter.Emit(context.Background(), n)
			}
		})
	}
	for range 100 {
		got := m.Collect(t)
		if got["audit_failed_emit_events"] > got["teleport_audit_emit_events"] {
			t.Errorf("more failures than events: %v", got)
		}
	}
	emitting.Wait()
	m.Want(t, events(4*each, 2*each))
}

func BenchmarkEmit(b *testing.B) {
	m := instrumentstest.New(b)
	bare := Emitter[event](EmitterFunc[event](func(context.Context, event) error { return nil }))
	for name, emitter := range map[string]Emitter[event]{"bare": bare, "measured": Wrap(m.Registry, bare)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = emitter.Emit(b.Context(), event{"login"})
			}
		})
	}
}

func TestEmitAllocatesNothing(t *testing.T) {
	m := instrumentstest.New(t)
	emitter := Wrap(m.Registry, EmitterFunc[event](func(context.Context, event) error { return errFull }))
	if n := testing.AllocsPerRun(100, func() { _ = emitter.Emit(t.Context(), event{}) }); n != 0 {
		t.Errorf("got %v allocations, want 0", n)
	}
}
