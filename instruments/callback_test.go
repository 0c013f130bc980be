package instruments

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// failing is a source that does what the test says at the moment.
type failing struct{ do func(ctx context.Context) }

func (f *failing) observe(reading Gauge, value *float64) func(context.Context, *Observation) {
	return func(ctx context.Context, o *Observation) {
		reading.Observe(o, *value)
		if f.do != nil {
			f.do(ctx)
		}
	}
}

func TestSourcesThatFail(t *testing.T) {
	tests := []struct {
		name   string
		do     func(context.Context)
		reason string
		err    string
	}{
		{"panic", func(context.Context) { panic("out of paper") }, "panic", "panic: out of paper"},
		{"panic with an error", func(context.Context) { panic(errors.New("no ink")) }, "panic", "panic: no ink"},
		{"panic with nil", func(context.Context) { panic(nil) }, "panic", "panic called with nil argument"},
		//lint:ignore SA5000 the panic is the point
		{"runtime error", func(context.Context) { var m map[string]int; m["a"] = 1 }, "panic", "assignment to entry in nil map"},
		{"Goexit", func(context.Context) { runtime.Goexit() }, "panic", "ended its goroutine"},
		{"hang until the context ends", func(ctx context.Context) { <-ctx.Done(); time.Sleep(time.Millisecond) }, "timeout", "took too long"},
		{"slow", func(context.Context) { time.Sleep(time.Minute) }, "timeout", "took too long"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			scratch(t)
			reading := Must(DeclareGauge(sampled("test_reading")))
			other := Must(DeclareGauge(sampled("test_other")))
			synctest.Test(t, func(t *testing.T) {
				rig := newRig(t)
				value := 1.0
				source := &failing{}
				rig.Observe("printer", source.observe(reading, &value))
				rig.Observe("other", func(_ context.Context, o *Observation) { other.Observe(o, 9) })

				settle := func() {
					time.Sleep(time.Hour)
					synctest.Wait()
				}
				source.do = test.do // before there are results: absent
				started := time.Now()
				got := rig.collect(t)
				got.check(t, "test_reading", nil)
				got.check(t, "test_other", one{"": 9})
				if took := time.Since(started); took > maxPatience {
					t.Errorf("the collection took %v", took)
				}
				settle() // what was left behind has ended
				source.do, value = nil, 2
				rig.collect(t).check(t, "test_reading", one{"": 2})

				source.do, value = test.do, 3 // after there were results: the last ones
				last := 2.0
				for range 3 {
					got = rig.collect(t)
					got.check(t, "test_reading", one{"": last})
					if test.reason == "timeout" {
						last = 3 // what was left behind came to its end
					}
					got.check(t, "test_other", one{"": 9})
					settle()
				}
				source.do, value = nil, 4
				got = rig.collect(t)
				got.check(t, "telltale_callback_failures_total", one{"callback=printer,reason=" + test.reason: 4})
				if got["test_reading"][""] != 4 {
					t.Errorf("after recovery the source shows %v", got["test_reading"])
				}
				want := []string{"fails", "works again", "fails", "works again"}
				lines := rig.log.lines()
				if len(lines) != len(want) {
					t.Fatalf("logged %q, want %d lines", lines, len(want))
				}
				for i, line := range lines {
					if !strings.Contains(line, want[i]) || !strings.Contains(line, "callback=printer") ||
						want[i] == "fails" && !strings.Contains(line, test.err) {
						t.Errorf("logged %q, want %q and %q", line, want[i], test.err)
					}
				}
			})
		})
	}
}

// A source that hangs for good costs one collection its patience, and no more.
func TestHangDelaysOneCollection(t *testing.T) {
	scratch(t)
	reading := Must(DeclareGauge(sampled("test_reading")))
	synctest.Test(t, func(t *testing.T) {
		rig := newRig(t)
		release := make(chan struct{})
		calls := 0
		rig.Observe("printer", func(_ context.Context, o *Observation) {
			calls++
			if reading.Observe(o, float64(calls)); calls == 2 {
				<-release
			}
		})
		took := func() time.Duration {
			started := time.Now()
			rig.collect(t).check(t, "test_reading", one{"": 1})
			return time.Since(started)
		}
		for i, want := range []time.Duration{0, maxPatience, 0, 0} {
			if got := took(); got != want {
				t.Errorf("collection %d took %v, want %v", i, got, want)
			}
		}
		synctest.Wait()
		if calls != 2 {
			t.Errorf("the source was called %d times, calls must not overlap", calls)
		}
		close(release)
		synctest.Wait()
		rig.collect(t).check(t, "test_reading", one{"": 3})
	})
}

// However many sources hang, a collection ends in good time for what follows on
// it, and what is healthy behind them is still read.
func TestManyHangingSourcesLeaveTime(t *testing.T) {
	scratch(t)
	reading := Must(DeclareGauge(sampled("test_reading")))
	tests := []struct {
		name    string
		collect func(*rig, time.Duration) (seen, context.CancelFunc)
	}{
		{"deadline of a push", func(r *rig, limit time.Duration) (seen, context.CancelFunc) {
			ctx, cancel := context.WithTimeout(context.Background(), limit)
			return r.collectFrom(t, 0, BoundCallbacks(ctx)), cancel
		}},
		{"deadline of a scrape", func(r *rig, limit time.Duration) (seen, context.CancelFunc) {
			r.BoundCollection(time.Now().Add(limit))
			defer r.BoundCollection(time.Time{})
			return r.collect(t), func() {}
		}},
	}
	for _, test := range tests {
		for _, limit := range []time.Duration{100 * time.Millisecond, time.Second, 10 * time.Second, time.Minute} {
			t.Run(fmt.Sprint(test.name, " ", limit), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					rig := newRig(t)
					release := make(chan struct{})
					defer close(release)
					for i := range 100 {
						rig.Observe(fmt.Sprint("hanging ", i), func(context.Context, *Observation) { <-release })
					}
					rig.Observe("healthy", func(_ context.Context, o *Observation) { reading.Observe(o, 1) })
					started := time.Now()
					got, cancel := test.collect(rig, limit)
					defer cancel()
					if took := time.Since(started); took > limit*3/4 {
						t.Errorf("the collection took %v of %v", took, limit)
					}
					got.check(t, "test_reading", one{"": 1})
				})
			})
		}
	}
}

// A reader that the embedder has made itself gives only its deadline.
func TestManyHangingSourcesEndByTheDeadline(t *testing.T) {
	scratch(t)
	synctest.Test(t, func(t *testing.T) {
		rig := newRig(t)
		release := make(chan struct{})
		defer close(release)
		for i := range 20 {
			rig.Observe(fmt.Sprint("hanging ", i), func(context.Context, *Observation) { <-release })
		}
		const limit = time.Second
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		started := time.Now()
		rig.collectFrom(t, 0, ctx)
		if took := time.Since(started); took >= limit {
			t.Errorf("the collection took %v of %v", took, limit)
		}
	})
}

func TestSourcesGetAContextThatEnds(t *testing.T) {
	scratch(t)
	type key struct{}
	synctest.Test(t, func(t *testing.T) {
		rig := newRig(t)
		var left context.Context
		rig.Observe("test", func(ctx context.Context, _ *Observation) {
			left = ctx
			if ctx.Value(key{}) != "value" {
				t.Error("the context is not that of the collection")
			}
			if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) > time.Second {
				t.Errorf("the deadline is %v away", time.Until(deadline))
			}
		})
		rig.collectFrom(t, 0, context.WithValue(context.Background(), key{}, "value"))
		synctest.Wait()
		if left.Err() == nil {
			t.Error("the context lives on after the call")
		}
	})
}

// Another reader's collection that finds a source busy waits for its turn, and
// for no longer than for a call of its own.
func TestReadersTakeTurns(t *testing.T) {
	scratch(t)
	reading := Must(DeclareGauge(sampled("test_reading")))
	synctest.Test(t, func(t *testing.T) {
		rig := newRigOf(t, 2)
		pause, calls := 300*time.Millisecond, 0
		rig.Observe("slow", func(_ context.Context, o *Observation) {
			calls++
			reading.Observe(o, float64(calls))
			time.Sleep(pause)
		})
		first := make(chan seen)
		go func() { first <- rig.collectFrom(t, 0, context.Background()) }()
		synctest.Wait()
		rig.collectFrom(t, 1, context.Background()).check(t, "test_reading", one{"": 2})
		if got := (<-first)["test_reading"][""]; got != 1 && got != 2 {
			t.Errorf("the first reader sees %v", got)
		}
		pause = time.Hour
		go func() { first <- rig.collectFrom(t, 0, context.Background()) }()
		synctest.Wait()
		started := time.Now()
		rig.collectFrom(t, 1, context.Background())
		<-first
		if took := time.Since(started); took > maxPatience {
			t.Errorf("the second reader waited %v for the first one's hanging source", took)
		}
		time.Sleep(time.Hour)
	})
}
