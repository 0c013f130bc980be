package instruments

import (
	"math"
	"sync"
	"testing"
)

func TestGauges(t *testing.T) {
	tests := []struct {
		name   string
		record func(*GaugeCell)
		want   float64
		reject string
	}{
		{"set", func(g *GaugeCell) { g.Set(5); g.Set(-2.5) }, -2.5, ""},
		{"add", func(g *GaugeCell) { g.Add(5); g.Add(-7.5) }, -2.5, ""},
		{"inc and dec", func(g *GaugeCell) { g.Inc(); g.Inc(); g.Dec() }, 1, ""},
		{"infinity can be set", func(g *GaugeCell) { g.Set(math.Inf(1)) }, math.Inf(1), ""},
		{"infinity cannot be added", func(g *GaugeCell) { g.Set(3); g.Add(math.Inf(1)) }, 3, "infinite"},
		{"minus infinity cannot be added", func(g *GaugeCell) { g.Set(3); g.Add(math.Inf(-1)) }, 3, "infinite"},
		{"NaN cannot be set", func(g *GaugeCell) { g.Set(3); g.Set(math.NaN()) }, 3, "nan"},
		{"NaN cannot be added", func(g *GaugeCell) { g.Set(3); g.Add(math.NaN()) }, 3, "nan"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			scratch(t)
			gauge := Must(DeclareGauge(spec("test_gauge")))
			gauges := Must(DeclareGaugeBy[shelf](spec("test_gauges")))
			rig := newRig(t)
			test.record(gauge.In(rig.Registry))
			test.record(gauges.In(rig.Registry).At(shelf{"a", "1"}))
			got := rig.collect(t)
			got.check(t, "test_gauge", one{"": test.want})
			got.check(t, "test_gauges", one{"room=a,row=1": test.want})
			var rejected one
			if test.reject != "" {
				rejected = one{"metric=test_gauge,reason=" + test.reject: 1, "metric=test_gauges,reason=" + test.reject: 1}
			}
			got.check(t, "telltale_recordings_rejected_total", rejected)
		})
	}
}

func TestGaugesAddConcurrently(t *testing.T) {
	scratch(t)
	gauge := Must(DeclareGauge(spec("test_gauge")))
	rig := newRig(t)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 1000 {
				gauge.In(rig.Registry).Inc()
				gauge.In(rig.Registry).Add(0.5)
				gauge.In(rig.Registry).Dec()
			}
		})
	}
	group.Wait()
	rig.collect(t).check(t, "test_gauge", one{"": 2000})
}
