package instruments

import (
	"context"
	"math"
	"slices"
	"testing"

	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"
)

func TestHistograms(t *testing.T) {
	scratch(t)
	s := buckets("test_histogram", 1, 5)
	s.Unit = "s"
	histogram := Must(DeclareHistogram(s))
	rig := newRig(t)
	h := histogram.In(rig.Registry)
	for _, v := range []float64{0.5, 1, 3, 100, -2} { // a bound belongs to its bucket
		h.Record(v)
	}
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		h.Record(v)
	}
	var data metricdata.ResourceMetrics
	if err := rig.readers[0].Collect(context.Background(), &data); err != nil {
		t.Fatal(err)
	}
	scope := data.ScopeMetrics[slices.IndexFunc(data.ScopeMetrics, func(s metricdata.ScopeMetrics) bool { return s.Scope.Name == Scope })]
	got := scope.Metrics[slices.IndexFunc(scope.Metrics, func(m metricdata.Metrics) bool { return m.Name == "test_histogram" })]
	want := metricdata.Metrics{
		Name: "test_histogram", Unit: "s", Description: "A metric of the tests.",
		Data: metricdata.Histogram[float64]{
			Temporality: metricdata.CumulativeTemporality,
			DataPoints: []metricdata.HistogramDataPoint[float64]{{
				Count: 5, Sum: 102.5, Bounds: []float64{1, 5}, BucketCounts: []uint64{3, 1, 1},
				Min: metricdata.NewExtrema(-2.0), Max: metricdata.NewExtrema(100.0),
			}},
		},
	}
	metricdatatest.AssertEqual(t, want, got, metricdatatest.IgnoreTimestamp())
	rig.collect(t).check(t, "telltale_recordings_rejected_total", one{
		"metric=test_histogram,reason=nan": 1, "metric=test_histogram,reason=infinite": 2,
	})
}

func TestHistogramsWithLabels(t *testing.T) {
	scratch(t)
	histograms := Must(DeclareHistogramBy(buckets("test_histograms", 1), shelf{"known", "1"}))
	rig := newRig(t)
	live := histograms.In(rig.Registry)
	rig.collect(t).check(t, "test_histograms", nil) // exporters fill in the zeros
	live.Record(1, shelf{"a", "1"})
	live.At(shelf{"a", "1"}).Record(1)
	live.At(shelf{"known", "1"}).RecordContext(context.Background(), 1)
	rig.collect(t).check(t, "test_histograms", one{"room=a,row=1": 2, "room=known,row=1": 1})
}
