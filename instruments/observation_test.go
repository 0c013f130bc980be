package instruments

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestSources(t *testing.T) {
	scratch(t)
	counter := Must(DeclareCounter(sampled("test_counter")))
	counters := Must(DeclareCounterBy[shelf](sampled("test_counters")))
	gauge := Must(DeclareGauge(sampled("test_gauge")))
	gauges := Must(DeclareGaugeBy(spec("test_gauges"), shelf{"known", "1"}))
	tests := []struct {
		name   string
		fn     func(*Observation)
		want   seen
		reject one
	}{
		{"reports nothing", func(*Observation) {}, seen{"test_gauges": one{"room=known,row=1": 0}}, nil},
		{"reports everything", func(o *Observation) {
			counter.Observe(o, 1.5)
			counters.Observe(o, 2, shelf{"a", "1"})
			gauge.Observe(o, -3)
			gauges.Observe(o, 4, shelf{"a", "1"})
		}, seen{"test_counter": one{"": 1.5}, "test_counters": one{"room=a,row=1": 2},
			"test_gauge": one{"": -3}, "test_gauges": one{"room=a,row=1": 4}}, nil},
		{"reports twice: the last one stands", func(o *Observation) {
			for _, v := range []float64{5, 6} {
				counter.Observe(o, v)
				counters.Observe(o, v, shelf{"a", "1"})
				gauge.Observe(o, v)
				gauges.Observe(o, v, shelf{"a", "1"})
			}
		}, seen{"test_counter": one{"": 6}, "test_counters": one{"room=a,row=1": 6},
			"test_gauge": one{"": 6}, "test_gauges": one{"room=a,row=1": 6}}, nil},
		{"reports what cannot be shown", func(o *Observation) {
			counter.Observe(o, -1)
			counter.Observe(o, math.NaN())
			counters.Observe(o, math.Inf(1), shelf{"a", "1"})
			gauge.Observe(o, math.NaN())
			gauges.Observe(o, math.NaN(), shelf{"a", "1"})
		}, seen{"test_gauges": one{"room=known,row=1": 0}}, one{
			"metric=test_counter,reason=negative": 1, "metric=test_counter,reason=nan": 1,
			"metric=test_counters,reason=infinite": 1, "metric=test_gauge,reason=nan": 1, "metric=test_gauges,reason=nan": 1,
		}},
		{"infinite gauges can be shown", func(o *Observation) { gauge.Observe(o, math.Inf(1)) },
			seen{"test_gauge": one{"": math.Inf(1)}, "test_gauges": one{"room=known,row=1": 0}}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			rig := newRig(t)
			stop := rig.Observe("test", func(_ context.Context, o *Observation) { test.fn(o) })
			got := rig.collect(t)
			for _, name := range []string{"test_counter", "test_counters", "test_gauge", "test_gauges"} {
				got.check(t, name, test.want[name])
			}
			stop()
			stop()
			got = rig.collect(t)
			got.check(t, "telltale_recordings_rejected_total", test.reject)
			got.check(t, "test_counter", nil)
			got.check(t, "test_gauges", one{"room=known,row=1": 0})
		})
	}
}

func TestTwoSourcesOfOneMetric(t *testing.T) {
	scratch(t)
	gauges := Must(DeclareGaugeBy[shelf](sampled("test_gauges")))
	rig := newRig(t)
	rig.Observe("first", func(_ context.Context, o *Observation) {
		gauges.Observe(o, 1, shelf{"shared", "1"})
		gauges.Observe(o, 1, shelf{"first", "1"})
	})
	stop := rig.Observe("second", func(_ context.Context, o *Observation) { gauges.Observe(o, 2, shelf{"shared", "1"}) })
	rig.collect(t).check(t, "test_gauges", one{"room=shared,row=1": 2, "room=first,row=1": 1})
	stop()
	rig.collect(t).check(t, "test_gauges", one{"room=shared,row=1": 1, "room=first,row=1": 1})
}

// An observation that is used after its source has returned changes nothing.
func TestObservationEndsWithTheCall(t *testing.T) {
	scratch(t)
	gauge := Must(DeclareGauge(sampled("test_gauge")))
	rig := newRig(t)
	var kept *Observation
	rig.Observe("test", func(_ context.Context, o *Observation) {
		if kept == nil {
			kept = o
			gauge.Observe(o, 1)
			return
		}
		panic("from now on the last results are shown")
	})
	rig.collect(t).check(t, "test_gauge", one{"": 1})
	gauge.Observe(kept, 2)
	rig.collect(t).check(t, "test_gauge", one{"": 1})
}

// TestReadersSeeFreshValues is about linearity: what a collection shows of a
// healthy source was read after the collection had begun.
func TestReadersSeeFreshValues(t *testing.T) {
	scratch(t)
	gauge := Must(DeclareGauge(sampled("test_gauge")))
	const readers = 3
	rig := newRigOf(t, readers)
	var now atomic.Int64
	rig.Observe("clock", func(_ context.Context, o *Observation) { gauge.Observe(o, float64(now.Load())) })
	var group sync.WaitGroup
	for reader := range readers {
		group.Go(func() {
			for range 50 {
				began := float64(now.Add(1))
				if got, ok := rig.collectFrom(t, reader, context.Background())["test_gauge"][""]; !ok || got < began {
					t.Errorf("reader %d began at %v and was given %v", reader, began, got)
				}
			}
		})
	}
	group.Wait()
}

func TestLateDeclarationsInSources(t *testing.T) {
	scratch(t)
	rig := newRig(t)
	before := Must(DeclareGauge(sampled("test_before")))
	var during Gauge
	rig.Observe("test", func(_ context.Context, o *Observation) {
		if during == (Gauge{}) {
			during = Must(DeclareGauge(sampled("test_during")))
		}
		before.Observe(o, 1)
		during.Observe(o, 2)
	})
	rig.collect(t).check(t, "test_before", one{"": 1})
	during.In(rig.Registry) // waits for what the collection has set going
	got := rig.collect(t)
	got.check(t, "test_before", one{"": 1})
	if len(got["test_during"]) != 1 {
		t.Errorf("test_during shows %v", got["test_during"])
	}
	got.check(t, "telltale_callback_failures_total", nil)
}

// What a source must not do costs it its turn, and nothing waits for ever.
func TestSourcesThatMeddle(t *testing.T) {
	tests := []struct {
		name   string
		meddle func(*rig, func())
	}{
		{"makes handles of a late declaration", func(r *rig, _ func()) { Must(DeclareCounter(spec("test_late"))).In(r.Registry).Inc() }},
		{"creates an instrument", func(r *rig, _ func()) {
			if _, err := r.MeterProvider().Meter("test").Int64Counter("test.created"); err != nil {
				panic(err)
			}
		}},
		{"stops itself", func(_ *rig, stop func()) { stop() }},
		{"adds another source", func(r *rig, _ func()) { r.Observe("another", func(context.Context, *Observation) {}) }},
		{"closes the registry", func(r *rig, _ func()) {
			if err := r.Close(); err != nil {
				panic(err)
			}
		}},
		{"collects", func(r *rig, _ func()) {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			r.Summaries(ctx)
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			scratch(t)
			rig := newRig(t)
			meddled := make(chan struct{})
			var stop func()
			done := false
			stop = rig.Observe("test", func(context.Context, *Observation) {
				if !done {
					done = true
					defer close(meddled)
					test.meddle(rig, stop)
				}
			})
			// Locks of the SDK are no matter for synctest: here time is real.
			ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
			defer cancel()
			rig.collectFrom(t, 0, ctx)
			<-meddled
			if failures := rig.collect(t)["telltale_callback_failures_total"]["callback=test,reason=panic"]; failures != 0 {
				t.Errorf("%v panics", failures)
			}
		})
	}
}

// A direct source is waited for, however long it takes, and shows nothing old.
func TestDirectSource(t *testing.T) {
	scratch(t)
	gauge := Must(DeclareGauge(sampled("test_gauge")))
	synctest.Test(t, func(t *testing.T) {
		rig := newRig(t)
		value := 1.0
		rig.ObserveDirect("test", func(_ context.Context, o *Observation) {
			gauge.Observe(o, value)
			switch value {
			case 2:
				time.Sleep(10 * maxPatience)
			case 3:
				panic("planted")
			}
		})
		for _, step := range []struct {
			value  float64
			want   one
			failed one
		}{
			{1, one{"": 1}, nil},
			{2, one{"": 2}, nil},
			{3, nil, one{"callback=test,reason=panic": 1}},
			{4, one{"": 4}, one{"callback=test,reason=panic": 1}},
		} {
			value = step.value
			got := rig.collect(t)
			got.check(t, "test_gauge", step.want)
			got.check(t, "telltale_callback_failures_total", step.failed)
		}
	})
}
