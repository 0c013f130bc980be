package instruments

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
)

const overflowKey = "otel.metric.overflow=true"

func TestBoundOnLabelSets(t *testing.T) {
	for _, limit := range []int{2, 3, 10, 0} {
		t.Run(fmt.Sprint("limit ", limit), func(t *testing.T) {
			scratch(t)
			counters := Must(DeclareCounterBy[shelf](spec("test_counters")))
			gauges := Must(DeclareGaugeBy[shelf](spec("test_gauges")))
			histograms := Must(DeclareHistogramBy[shelf](buckets("test_histograms", 1)))
			rig := newRig(t, WithSeriesLimit(limit))
			if limit == 0 {
				limit = DefaultSeriesLimit
			}
			const sets = 2500
			for i := range sets {
				at := shelf{"r", strconv.Itoa(i)}
				counters.In(rig.Registry).Add(1.5, at)
				gauges.In(rig.Registry).Set(float64(i), at)
				histograms.In(rig.Registry).Record(1, at)
			}
			got := rig.collect(t)
			above := float64(sets - (limit - 1))
			overflows := one{"test_counters": above * 1.5, "test_gauges": sets - 1, "test_histograms": above}
			for name, overflow := range overflows {
				if len(got[name]) != limit || got[name][overflowKey] != overflow {
					t.Errorf("%s has %d series, want %d; the overflow series shows %v, want %v",
						name, len(got[name]), limit, got[name][overflowKey], overflow)
				}
			}
			var total float64
			for _, v := range got["test_counters"] {
				total += v
			}
			if total != sets*1.5 {
				t.Errorf("the counter adds up to %v, want %v", total, sets*1.5)
			}
			if spilled := got["telltale_series_overflow_total"]; limit > 3 && spilled["metric=test_counters"] != above {
				t.Errorf("overflow counted %v, want %v", spilled, above)
			}
		})
	}
}

// The metric that counts overflows may overflow itself.
func TestOverflowOfTheOverflowCounter(t *testing.T) {
	scratch(t)
	var metrics []CounterBy[shelf]
	for i := range 5 {
		metrics = append(metrics, Must(DeclareCounterBy[shelf](spec(fmt.Sprintf("test_%d", i)))))
	}
	rig := newRig(t, WithSeriesLimit(2))
	for _, m := range metrics {
		m.In(rig.Registry).Add(1, shelf{"r", "1"})
		m.In(rig.Registry).Add(1, shelf{"r", "2"})
	}
	rig.collect(t).check(t, "telltale_series_overflow_total", one{"metric=test_0": 1, overflowKey: 4})
}

// Recorded label sets keep their series when others come above the bound.
func TestSeriesBelowTheBoundKeepCounting(t *testing.T) {
	scratch(t)
	counters := Must(DeclareCounterBy[shelf](spec("test_counters")))
	rig := newRig(t, WithSeriesLimit(3))
	live := counters.In(rig.Registry)
	for round := range 3 {
		for i := range 5 {
			live.Add(1, shelf{"r", strconv.Itoa(i)})
		}
		n := float64(round + 1)
		rig.collect(t).check(t, "test_counters", one{"room=r,row=0": n, "room=r,row=1": n, overflowKey: 3 * n})
	}
}

func TestForgetFreesAPlace(t *testing.T) {
	scratch(t)
	gauges := Must(DeclareGaugeBy[shelf](spec("test_gauges")))
	rig := newRig(t, WithSeriesLimit(3))
	live := gauges.In(rig.Registry)
	for i := range 1000 {
		at := shelf{"r", strconv.Itoa(i)}
		live.Set(1, at)
		if i%100 == 0 {
			rig.collect(t).check(t, "test_gauges", one{"room=r,row=" + at.Row: 1})
		}
		live.Forget(at)
		live.Forget(at)
	}
	got := rig.collect(t)
	got.check(t, "test_gauges", nil)
	got.check(t, "telltale_series_overflow_total", nil)
}

func TestHandleKeptAcrossForgetStartsAnew(t *testing.T) {
	scratch(t)
	gauges := Must(DeclareGaugeBy[shelf](spec("test_gauges")))
	rig := newRig(t)
	live := gauges.In(rig.Registry)
	at := shelf{"r", "1"}
	kept := live.At(at)
	kept.Set(5)
	live.Forget(at)
	rig.collect(t).check(t, "test_gauges", nil)
	kept.Add(2)
	rig.collect(t).check(t, "test_gauges", one{"room=r,row=1": 2})
	live.At(at).Inc()
	kept.Inc()
	rig.collect(t).check(t, "test_gauges", one{"room=r,row=1": 4})
	live.Forget(at)
	kept.Dec()
	rig.collect(t).check(t, "test_gauges", one{"room=r,row=1": -1})
}

// TestGaugesAgreeWithAModel applies random operations to live gauges and to a
// plain map.
func TestGaugesAgreeWithAModel(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			scratch(t)
			random := rand.New(rand.NewPCG(seed, 0))
			limit := 2 + random.IntN(8)
			gauges := Must(DeclareGaugeBy[shelf](spec("test_gauges")))
			rig := newRig(t, WithSeriesLimit(limit))
			live := gauges.In(rig.Registry)
			model := gaugeModel{limit: limit, series: one{}}
			handles := map[string]*GaugeCell{}
			for range 200 {
				i := strconv.Itoa(random.IntN(10))
				at, v := shelf{"r", i}, float64(random.IntN(100))
				switch random.IntN(6) {
				case 0:
					live.Set(v, at)
					model.set(i, v)
				case 1:
					live.At(at).Add(v)
					model.add(i, v)
				case 2:
					live.Forget(at)
					model.forget(i)
				case 3: // keep a handle of a series that is within the bound
					if model.within(i) {
						handles[i] = live.At(at)
						model.touch(i)
					}
				case 4:
					if h := handles[i]; h != nil {
						h.Set(v)
						model.set(i, v)
					}
				case 5:
					rig.collect(t).check(t, "test_gauges", model.shown())
				}
				if t.Failed() {
					return
				}
			}
		})
	}
}

type gaugeModel struct {
	limit  int
	series one // by row, "" is the overflow series
}

func (m gaugeModel) count() int {
	n := len(m.series)
	if _, ok := m.series[""]; ok {
		n--
	}
	return n
}

func (m gaugeModel) within(i string) bool {
	_, ok := m.series[i]
	return ok || m.count() < m.limit-1
}

func (m gaugeModel) key(i string) string {
	if m.within(i) {
		return i
	}
	return ""
}

func (m gaugeModel) set(i string, v float64) { m.series[m.key(i)] = v }
func (m gaugeModel) add(i string, v float64) { m.series[m.key(i)] += v }
func (m gaugeModel) touch(i string)          { m.series[m.key(i)] += 0 }
func (m gaugeModel) forget(i string)         { delete(m.series, i) }

func (m gaugeModel) shown() one {
	shown := one{}
	for i, v := range m.series {
		if i == "" {
			shown[overflowKey] = v
		} else {
			shown["room=r,row="+i] = v
		}
	}
	if len(shown) == 0 {
		return nil
	}
	return shown
}

// TestForgetConcurrently is for the race detector; at the end each writer's
// last word must stand.
func TestForgetConcurrently(t *testing.T) {
	scratch(t)
	gauges := Must(DeclareGaugeBy[shelf](spec("test_gauges")))
	rig := newRig(t)
	live := gauges.In(rig.Registry)
	const writers = 4
	want := one{}
	var group sync.WaitGroup
	for w := range writers {
		own, shared := shelf{"own", strconv.Itoa(w)}, shelf{"shared", "1"}
		want["room=own,row="+own.Row] = 499
		group.Go(func() {
			kept := live.At(own)
			for i := range 500 {
				live.Forget(own)
				if i%2 == 0 {
					live.Set(float64(i), own)
				} else {
					kept.Set(float64(i))
				}
				if got := live.At(own).value(); got != float64(i) {
					t.Errorf("a gauge shows %v after it was set to %d", got, i)
				}
				live.Set(float64(i), shared)
				live.Forget(shared)
			}
		})
	}
	group.Go(func() {
		for range 30 {
			rig.collect(t)
		}
	})
	group.Wait()
	live.Forget(shelf{"shared", "1"})
	rig.collect(t).check(t, "test_gauges", want)
}

// A collection that runs while series are made shows each at most once.
func TestSeriesAppearWhileCollecting(t *testing.T) {
	scratch(t)
	counters := Must(DeclareCounterBy[shelf](spec("test_counters")))
	rig := newRig(t, WithSeriesLimit(300))
	var group sync.WaitGroup
	const writers, sets = 3, 400
	for range writers {
		group.Go(func() {
			for i := range sets {
				counters.In(rig.Registry).Add(1, shelf{"r", strconv.Itoa(i)})
			}
		})
	}
	group.Go(func() {
		for range 20 {
			rig.collect(t)
		}
	})
	group.Wait()
	var total float64
	series := rig.collect(t)["test_counters"]
	for v := range maps.Values(series) {
		total += v
	}
	if len(series) != 300 || total != writers*sets {
		t.Errorf("%d series add up to %v, want %d series and %d", len(series), total, 300, writers*sets)
	}
}

func TestSourcesAreBoundToo(t *testing.T) {
	scratch(t)
	counters := Must(DeclareCounterBy[shelf](sampled("test_counters")))
	gauges := Must(DeclareGaugeBy[shelf](sampled("test_gauges")))
	rig := newRig(t, WithSeriesLimit(6))
	for _, room := range []string{"a", "b"} { // the bound is on all sources together
		rig.Observe(room, func(_ context.Context, o *Observation) {
			for i := range 4 {
				for range 2 { // a label set that is reported again takes no further place
					counters.Observe(o, 10, shelf{room, strconv.Itoa(i)})
					gauges.Observe(o, float64(i), shelf{room, strconv.Itoa(i)})
				}
			}
		})
	}
	for range 2 {
		got := rig.collect(t)
		got.check(t, "test_counters", one{
			"room=a,row=0": 10, "room=a,row=1": 10, "room=a,row=2": 10, "room=a,row=3": 10, "room=b,row=0": 10, overflowKey: 30,
		})
		got.check(t, "test_gauges", one{
			"room=a,row=0": 0, "room=a,row=1": 1, "room=a,row=2": 2, "room=a,row=3": 3, "room=b,row=0": 0, overflowKey: 1 + 2 + 3,
		})
	}
	if got := rig.collect(t)["telltale_series_overflow_total"]["metric=test_counters"]; got != 6 && got != 9 {
		t.Errorf("overflow counted %v, want 3 for each collection", got)
	}
}
