package auth

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/telltale-agent/telltale/instruments/instrumentstest"
)

var errEntropy = errors.New("no entropy")

func TestOutcomes(t *testing.T) {
	type key struct{}
	ctx := context.WithValue(t.Context(), key{}, "kept")
	for name, want := range map[string]error{"success": nil, "failure": errEntropy, "canceled": context.Canceled} {
		t.Run(name, func(t *testing.T) {
			exit := instrumentstest.New(t)
			limiter := New(exit.Registry, 1)
			synctest.Test(t, func(t *testing.T) {
				got, err := Generate(ctx, limiter, func(ctx context.Context) (string, error) {
					wantGenerated(t, exit, generated{requests: 1, inFlight: 1}) // counted at the start
					time.Sleep(3 * time.Second)
					return ctx.Value(key{}).(string), want
				})
				if got != "kept" || err != want {
					t.Errorf("got %q, %v, want what was generated", got, err)
				}
			})
			wantGenerated(t, exit, generated{requests: 1, count: 1, seconds: 3})
		})
	}
}

func TestThrottling(t *testing.T) {
	exit := instrumentstest.New(t)
	limiter := New(exit.Registry, 2)
	synctest.Test(t, func(t *testing.T) {
		slow := func(context.Context) error { time.Sleep(time.Second); return nil }
		for range 2 {
			go limiter.Do(t.Context(), slow)
		}
		synctest.Wait()
		wantGenerated(t, exit, generated{requests: 2, inFlight: 2})

		began := time.Now()
		result, err := Generate(t.Context(), limiter, func(context.Context) (string, error) {
			t.Error("generated all the same")
			return "key", nil
		})
		if result != "" || !errors.Is(err, ErrThrottled) || time.Since(began) != 0 {
			t.Errorf("got %q, %v after %v, want to be throttled at once", result, err, time.Since(began))
		}
		wantGenerated(t, exit, generated{throttled: 1, requests: 2, inFlight: 2})

		time.Sleep(time.Second)
		synctest.Wait()
		wantGenerated(t, exit, generated{throttled: 1, requests: 2, count: 2, seconds: 2})
		if err := limiter.Do(t.Context(), slow); err != nil {
			t.Errorf("there is room again: got %v", err)
		}
		wantGenerated(t, exit, generated{throttled: 1, requests: 3, count: 3, seconds: 3})
	})
}

func TestWithoutLimit(t *testing.T) {
	for _, limit := range []int{0, -1} {
		limiter := New(nil, limit)
		var nested func(context.Context) error
		depth := 0
		nested = func(ctx context.Context) error {
			if depth++; depth == 100 {
				return nil
			}
			return limiter.Do(ctx, nested)
		}
		if err := limiter.Do(t.Context(), nested); err != nil || depth != 100 {
			t.Errorf("limit %d: got %v at %d", limit, err, depth)
		}
	}
}

func TestGeneratingThatDoesNotReturn(t *testing.T) {
	for name, end := range map[string]func(){"panic": func() { panic(errEntropy) }, "goexit": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			exit := instrumentstest.New(t)
			limiter := New(exit.Registry, 1)
			for range 3 { // the place is free each time
				recovered := make(chan any)
				go func() {
					defer func() { recovered <- recover() }()
					_ = limiter.Do(t.Context(), func(context.Context) error { end(); return nil })
				}()
				if got := <-recovered; name == "panic" && got != error(errEntropy) {
					t.Errorf("recovered %v, want the panic itself", got)
				}
			}
			got := readGenerated(t, exit)
			got.seconds = 0
			if want := (generated{requests: 3, count: 3}); got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

func TestWithClosedRegistry(t *testing.T) {
	exit := instrumentstest.New(t)
	exit.Registry.Close()
	limiter := New(exit.Registry, 1)
	err := limiter.Do(t.Context(), func(ctx context.Context) error {
		if err := limiter.Do(ctx, func(context.Context) error { return nil }); err != ErrThrottled {
			t.Errorf("got %v, want the limit to hold", err)
		}
		return errEntropy
	})
	if err != errEntropy {
		t.Errorf("got %v, want the error itself", err)
	}
}

func TestLimiterAllocatesNothing(t *testing.T) {
	limiter := New(instrumentstest.New(t).Registry, 1)
	nothing := func(context.Context) error { return nil }
	if n := testing.AllocsPerRun(100, func() { _ = limiter.Do(t.Context(), nothing) }); n != 0 {
		t.Errorf("got %v allocations, want 0", n)
	}
}
