package instruments

import (
	"context"
	"math"
	"sync"
	"testing"
)

func TestCountersAreExact(t *testing.T) {
	tests := []struct {
		name  string
		add   []float64
		want  float64
		count map[string]float64 // telltale_recordings_rejected_total by reason
	}{
		{"nothing", nil, 0, nil},
		{"whole", []float64{1, 2, 3}, 6, nil},
		{"zero", []float64{0, math.Copysign(0, -1)}, 0, nil},
		{"fractional", []float64{0.5, 0.25, 1.25}, 2, nil},
		{"mixed", []float64{1, 0.5, 2}, 3.5, nil},
		{"around the edge of the integer path", []float64{1<<32 - 1, 1 << 32, 1<<32 + 1}, 3 << 32, nil},
		{"large", []float64{1 << 52, 1, 1 << 40}, 1<<52 + 1<<40 + 1, nil},
		{"largest whole", []float64{1 << 53, 9e18, 9e18}, 1<<53 + 18e18, nil},
		{"beyond integers", []float64{1e300, 1}, 1e300, nil},
		{"tiny", []float64{math.SmallestNonzeroFloat64}, math.SmallestNonzeroFloat64, nil},
		{"negative", []float64{5, -1, -0.5, -1e300, -1 << 63}, 5, one{"negative": 4}},
		{"NaN", []float64{5, math.NaN()}, 5, one{"nan": 1}},
		{"infinite", []float64{5, math.Inf(1), math.Inf(-1)}, 5, one{"infinite": 2}},
		{"sum is infinite", []float64{math.MaxFloat64, math.MaxFloat64}, math.MaxFloat64, one{"infinite": 1}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			scratch(t)
			counter := Must(DeclareCounter(spec("test_counter")))
			counters := Must(DeclareCounterBy[shelf](spec("test_counters")))
			rig := newRig(t)
			for _, v := range test.add {
				counter.In(rig.Registry).Add(v)
				counters.In(rig.Registry).Add(v, shelf{"a", "1"})
			}
			got := rig.collect(t)
			got.check(t, "test_counter", one{"": test.want})
			if len(test.add) > 0 {
				got.check(t, "test_counters", one{"room=a,row=1": test.want})
			}
			var rejected one
			for reason, n := range test.count {
				if rejected == nil {
					rejected = one{}
				}
				rejected["metric=test_counter,reason="+reason] = n
				rejected["metric=test_counters,reason="+reason] = n
			}
			got.check(t, "telltale_recordings_rejected_total", rejected)
		})
	}
}

func TestCountersAddConcurrently(t *testing.T) {
	scratch(t)
	counter := Must(DeclareCounter(spec("test_counter")))
	rig := newRig(t)
	cell := counter.In(rig.Registry)
	const writers, rounds = 4, 2000
	done := make(chan struct{})
	var group, reading sync.WaitGroup
	for range writers {
		group.Go(func() {
			for range rounds {
				cell.Inc()
				cell.Add(2)
				cell.Add(0.25)
			}
		})
	}
	reading.Go(func() { // what is read never shrinks
		var last float64
		for {
			v := cell.value()
			if v < last {
				t.Errorf("the counter went from %v to %v", last, v)
			}
			last = v
			select {
			case <-done:
				return
			default:
			}
		}
	})
	group.Wait()
	close(done)
	reading.Wait()
	rig.collect(t).check(t, "test_counter", one{"": writers * rounds * 3.25})
}

func TestSampledCounterWithAHandleIsShown(t *testing.T) {
	scratch(t)
	counter := Must(DeclareCounter(sampled("test_counter")))
	rig := newRig(t)
	rig.collect(t).check(t, "test_counter", nil)
	counter.In(rig.Registry).Inc()
	rig.collect(t).check(t, "test_counter", one{"": 1})
}

// TestRecordingAllocatesNothing holds the promise that handles make.
func TestRecordingAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	scratch(t)
	counter := Must(DeclareCounter(spec("test_counter")))
	counters := Must(DeclareCounterBy[shelf](spec("test_counters")))
	gauge := Must(DeclareGauge(spec("test_gauge")))
	gauges := Must(DeclareGaugeBy[shelf](spec("test_gauges")))
	histogram := Must(DeclareHistogram(buckets("test_histogram", 1, 2, 5)))
	histograms := Must(DeclareHistogramBy[shelf](buckets("test_histograms", 1, 2, 5)))
	rig := newRig(t)
	r := rig.Registry
	at := shelf{"a", "1"}
	c, cs, g, gs, h, hs := counter.In(r), counters.In(r), gauge.In(r), gauges.In(r), histogram.In(r), histograms.In(r)
	for name, record := range map[string]func(){
		"Inc":                 func() { c.Inc() },
		"Add whole":           func() { c.Add(3) },
		"Add fraction":        func() { c.Add(0.5) },
		"At Add":              func() { cs.At(at).Add(1) },
		"Add with labels":     func() { cs.Add(1, at) },
		"Add rejected":        func() { c.Add(-1) },
		"Set":                 func() { g.Set(1) },
		"Set with labels":     func() { gs.Set(1, at) },
		"gauge Add":           func() { g.Add(-1) },
		"Record":              func() { h.Record(1.5) },
		"Record with labels":  func() { hs.Record(1.5, at) },
		"RecordContext":       func() { h.RecordContext(context.Background(), 1.5) },
		"Record rejected":     func() { h.Record(math.NaN()) },
		"In":                  func() { counters.In(r) },
		"nil handle":          func() { (*CounterCell)(nil).Inc() },
		"gauge Inc, then Dec": func() { g.Inc(); g.Dec() },
	} {
		record() // the first use may make the series
		if allocs := testing.AllocsPerRun(100, record); allocs != 0 {
			t.Errorf("%s allocates %v times", name, allocs)
		}
	}
}
