package health

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// status is what a snapshot says about c.
func status(t testing.TB, c *Component) ComponentStatus {
	t.Helper()
	s, ok := c.tracker.Snapshot().Component(c.Name())
	if !ok {
		t.Fatalf("no component %s", c.Name())
	}
	return s
}

func TestRunReportsWhatTheFunctionReturns(t *testing.T) {
	for _, tc := range []struct {
		name string
		fn   func(context.Context) error
		want State
		err  string // of the fail, if it is one
		skip bool
	}{
		{name: "nil", fn: func(context.Context) error { return nil }, want: StateOK},
		{name: "error", fn: func(context.Context) error { return errors.New("refused") }, want: StateDegraded, err: "refused"},
		{name: "skip", fn: func(context.Context) error { return ErrSkip }, want: StateStarting, skip: true},
		{name: "wrapped skip", fn: func(context.Context) error { return fmt.Errorf("idle: %w", ErrSkip) }, want: StateStarting, skip: true},
		{name: "panic", fn: func(context.Context) error { panic("boom") }, want: StateDegraded, err: "panic: boom"},
		{name: "panic with nil", fn: func(context.Context) error { panic(nil) }, want: StateDegraded, err: "panic: panic called with nil argument"},
		{name: "panic with skip", fn: func(context.Context) error { panic(ErrSkip) }, want: StateDegraded, err: "panic: nothing to do"},
		//lint:ignore SA5000 the panic is the point
		{name: "runtime error", fn: func(context.Context) error { var m map[string]int; m["x"] = 1; return nil },
			want: StateDegraded, err: "panic: assignment to entry in nil map"},
		{name: "panic in the error", fn: func(context.Context) error { return nastyError{} }, want: StateDegraded, err: "panic: nasty"},
		{name: "out of time", fn: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, want: StateDegraded, err: "context deadline exceeded"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, tr *Tracker) {
				c := declare(t, tr, "auth")
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan error, 1)
				go func() { done <- c.Run(ctx, tc.fn) }()
				time.Sleep(6 * time.Second)
				synctest.Wait()
				wantState(t, c, tc.want)
				s := status(t, c)
				if tc.err != "" && (s.Err == nil || s.Err.Error() != tc.err) {
					t.Errorf("got error %v, want %s", s.Err, tc.err)
				}
				if got := s.OKs + s.Fails + s.Skips; got == 0 || tc.skip != (s.Skips > 0) {
					t.Errorf("got %d ok, %d fails, %d skips", s.OKs, s.Fails, s.Skips)
				}
				cancel()
				if err := <-done; !errors.Is(err, context.Canceled) {
					t.Errorf("Run: got %v", err)
				}
				if after := status(t, c); after.Fails != s.Fails {
					t.Error("the end was reported as a fail")
				}
			})
		})
	}
}

// nastyError panics when it is asked what it is.
type nastyError struct{}

func (nastyError) Error() string { return "nasty" }
func (nastyError) Is(error) bool { panic("nasty") }

func TestRunKeepsTime(t *testing.T) {
	inBubble(t, func(t *testing.T, tr *Tracker) {
		c := declare(t, tr, "auth", Interval(2*time.Second))
		begun := time.Now()
		lasts := []time.Duration{0, time.Second, 5 * time.Second, 0, 0}
		var calls []time.Duration
		ctx, cancel := context.WithCancel(t.Context())
		_ = c.Run(ctx, func(ctx context.Context) error {
			if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) != 2*time.Second {
				t.Errorf("got a deadline in %s, want 2s", time.Until(deadline))
			}
			calls = append(calls, time.Since(begun))
			time.Sleep(lasts[len(calls)-1])
			if len(calls) == len(lasts) {
				cancel()
			}
			return nil
		})
		// The third lasts for 2½ intervals; the fourth follows at once, and only one.
		want := []time.Duration{0, 2 * time.Second, 4 * time.Second, 9 * time.Second, 11 * time.Second}
		if fmt.Sprint(calls) != fmt.Sprint(want) {
			t.Errorf("got calls at %v, want %v", calls, want)
		}
	})
}

func TestRunSurvivesPanics(t *testing.T) {
	inBubble(t, func(t *testing.T, tr *Tracker) {
		c := declare(t, tr, "auth")
		calls := 0
		go func() {
			_ = c.Run(t.Context(), func(context.Context) error {
				if calls++; calls == 2 {
					panic("once")
				}
				return nil
			})
		}()
		time.Sleep(5 * time.Second)
		synctest.Wait()
		wantState(t, c, StateDegraded)
		time.Sleep(15 * time.Second) // ok at 10 s is the first, at 20 s the one that counts
		synctest.Wait()
		wantState(t, c, StateOK)
		tr.Close()
	})
}

func TestHungFunctionIsMissed(t *testing.T) {
	inBubble(t, func(t *testing.T, tr *Tracker) {
		c := declare(t, tr, "auth")
		calls, hang := 0, make(chan struct{})
		done := make(chan error, 1)
		go func() {
			done <- c.Run(t.Context(), func(context.Context) error {
				if calls++; calls == 2 {
					<-hang
				}
				return nil
			})
		}()
		time.Sleep(15*time.Second - 1)
		wantState(t, c, StateOK)
		time.Sleep(time.Nanosecond)
		wantState(t, c, StateDegraded)
		wantReason(t, c, ReasonMissed)
		tr.Close() // does not wait for the function
		close(hang)
		if err := <-done; !errors.Is(err, ErrClosed) || err.Error() != `run component "auth": health tracker closed` {
			t.Errorf("Run: got %v", err)
		}
	})
}

func TestRunEndsWithTheTracker(t *testing.T) {
	inBubble(t, func(t *testing.T, tr *Tracker) {
		c := declare(t, tr, "auth")
		done := make(chan error, 1)
		go func() {
			done <- c.Run(t.Context(), func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		}()
		time.Sleep(time.Second)
		tr.Close()
		if err := <-done; !errors.Is(err, ErrClosed) {
			t.Errorf("Run: got %v", err)
		}
		if n := status(t, c).Fails; n != 0 {
			t.Errorf("got %d fails, want none", n)
		}
		if err := c.Run(t.Context(), func(context.Context) error { return nil }); !errors.Is(err, ErrClosed) {
			t.Errorf("Run afterwards: got %v", err)
		}
	})
}

func TestRunSurvivesAFunctionThatEndsItsGoroutine(t *testing.T) {
	inBubble(t, func(t *testing.T, tr *Tracker) {
		c := declare(t, tr, "auth")
		calls := 0
		done := make(chan error, 1)
		go func() {
			done <- c.Run(t.Context(), func(context.Context) error {
				if calls++; calls == 2 {
					runtime.Goexit()
				}
				return nil
			})
		}()
		time.Sleep(5 * time.Second)
		synctest.Wait()
		wantState(t, c, StateDegraded)
		if err := status(t, c).Err; !errors.Is(err, errGone) {
			t.Errorf("got %v", err)
		}
		time.Sleep(15 * time.Second) // ok at 10 s is the first, at 20 s the one that counts
		synctest.Wait()
		wantState(t, c, StateOK)
		tr.Close()
		if err := <-done; !errors.Is(err, ErrClosed) {
			t.Errorf("Run: got %v", err)
		}
	})
}

// To be stopped is not to fail, but a panic is, whenever it comes.
func TestRunReportsAPanicAtItsEnd(t *testing.T) {
	inBubble(t, func(t *testing.T, tr *Tracker) {
		for name, tc := range map[string]struct {
			fn   func(context.Context) error
			want State
		}{
			"error": {func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, StateStarting},
			"panic": {func(ctx context.Context) error { <-ctx.Done(); panic("at the end") }, StateDegraded},
		} {
			c := declare(t, tr, name)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if err := c.Run(ctx, tc.fn); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: Run: got %v", name, err)
			}
			cancel()
			wantState(t, c, tc.want)
		}
	})
}

func TestRunRefuses(t *testing.T) {
	inBubble(t, func(t *testing.T, tr *Tracker) {
		c := declare(t, tr, "auth")
		if err := c.Run(t.Context(), nil); err == nil || err.Error() != `run component "auth": no function` {
			t.Errorf("no function: got %v", err)
		}
		beat := func(context.Context) error { return nil }
		go func() { _ = c.Run(t.Context(), beat) }()
		synctest.Wait()
		if err := c.Run(t.Context(), beat); err == nil || err.Error() != `run component "auth": it is run already` {
			t.Errorf("twice: got %v", err)
		}
		tr.Close()
	})
}

func TestRunWithAnEndedContextCallsNothing(t *testing.T) {
	tr := newTracker(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := tr.Component("auth").Run(ctx, func(context.Context) error { t.Error("called"); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestRunFollowsAChangedInterval(t *testing.T) {
	for _, tc := range []struct {
		name     string
		from, to time.Duration
		change   time.Duration // after the first call
		calls    []time.Duration
	}{
		{"shorter", 10 * time.Second, 5 * time.Second, time.Second, []time.Duration{0, 5, 10, 15, 20}},
		{"so short that the old one would be silence", time.Hour, 5 * time.Second, time.Minute, []time.Duration{0, 60, 65, 70}},
		{"longer", 5 * time.Second, 20 * time.Second, time.Second, []time.Duration{0, 20, 40}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, tr *Tracker) {
				c := declare(t, tr, "auth", Interval(tc.from))
				begun := time.Now()
				var calls []time.Duration
				go func() {
					_ = c.Run(t.Context(), func(context.Context) error {
						calls = append(calls, time.Since(begun)/time.Second)
						return nil
					})
				}()
				time.Sleep(tc.change)
				tr.Component("auth", Interval(tc.to))
				last := tc.calls[len(tc.calls)-1] * time.Second
				time.Sleep(last - tc.change)
				synctest.Wait()
				if !slices.Equal(calls, tc.calls) {
					t.Errorf("got calls at %d, want %d", calls, tc.calls)
				}
				if n := status(t, c).Transitions[StateDegraded]; n != 0 {
					t.Error("a loop that kept its time was missed")
				}
				tr.Close()
			})
		})
	}
}

// An interval that was changed while nothing ran does not delay the first call.
func TestRunBeginsAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, tr *Tracker) {
		c := declare(t, tr, "auth", Interval(time.Hour))
		tr.Component("auth", Interval(time.Minute))
		begun := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		_ = c.Run(ctx, func(context.Context) error { cancel(); return nil })
		if took := time.Since(begun); took != 0 {
			t.Errorf("the first call came after %s", took)
		}
	})
}
