package instruments

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestSummaries(t *testing.T) {
	scratch(t)
	pauses := summary(spec("test_pauses"))
	rig := newRig(t)
	read := func() []SummaryValue {
		var values []SummaryValue
		for _, v := range rig.Summaries(context.Background()) {
			if v.Name == "test_pauses" {
				values = append(values, v)
			}
		}
		return values
	}
	if got := read(); len(got) != 0 {
		t.Errorf("without a source there is %v", got)
	}
	stopFirst := pauses.Observe(rig.Registry, func() SummaryPoint { return SummaryPoint{Count: 1} })
	stopSecond := pauses.Observe(rig.Registry, func() SummaryPoint {
		return SummaryPoint{Count: 2, Sum: 3, Quantiles: []Quantile{{0.5, 1.5}}}
	})
	if got := read(); len(got) != 1 || got[0].Count != 2 || got[0].Kind != KindSummary || got[0].Help == "" {
		t.Errorf("of two sources there is %+v, want the last one", got)
	}
	stopSecond()
	if got := read(); len(got) != 1 || got[0].Count != 1 {
		t.Errorf("of the source that is left there is %+v", got)
	}
	stopFirst()
	if got := read(); len(got) != 0 {
		t.Errorf("without a source there is %v", got)
	}
	if rig.Close(); len(rig.Summaries(context.Background())) != 0 {
		t.Error("a closed registry still has summaries")
	}
}

func TestSummarySourcesThatFail(t *testing.T) {
	scratch(t)
	pauses := summary(spec("test_pauses"))
	synctest.Test(t, func(t *testing.T) {
		rig := newRig(t)
		calls := uint64(0)
		pauses.Observe(rig.Registry, func() SummaryPoint {
			switch calls++; calls {
			case 2:
				panic("out of paper")
			case 3:
				time.Sleep(time.Hour)
			}
			return SummaryPoint{Count: calls}
		})
		for i, want := range []uint64{1, 1, 1} {
			values := rig.Summaries(context.Background())
			if len(values) != 1 || values[0].Count != want {
				t.Errorf("reading %d gives %+v, want the count %d", i, values, want)
			}
		}
		time.Sleep(time.Hour)
		if values := rig.Summaries(context.Background()); len(values) != 1 || values[0].Count != 4 {
			t.Errorf("after recovery there is %+v", values)
		}
		rig.collect(t).check(t, "telltale_callback_failures_total", one{
			"callback=test_pauses,reason=panic": 1, "callback=test_pauses,reason=timeout": 1,
		})
	})
}
