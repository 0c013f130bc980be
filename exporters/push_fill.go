package exporters

import (
	"context"
	"slices"
	"time"

	"github.com/telltale-agent/telltale/instruments"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// filler adds to a collection what the SDK has no way to produce: histograms
// without a recording, and summaries. Both come under the registry's scope, so
// that they are indistinguishable from its other metrics.
type filler struct {
	reg        *instruments.Registry
	attached   time.Time
	histograms bool // false where histograms are deltas, of which zero is no news

	start time.Time // of the registry's series, once known
}

// fill completes rm. The deadline of ctx bounds the reading of summaries.
func (f *filler) fill(ctx context.Context, rm *metricdata.ResourceMetrics) {
	if f == nil {
		return
	}
	now := time.Now()
	scope := f.scope(rm)
	if f.start.IsZero() {
		f.start = earliestStart(scope.Metrics, f.attached)
	}
	if f.histograms {
		f.zeroHistograms(scope, now)
	}
	for _, s := range f.reg.Summaries(ctx) {
		scope.Metrics = append(scope.Metrics, f.summary(s, now))
	}
	if len(scope.Metrics) == 0 {
		rm.ScopeMetrics = slices.DeleteFunc(rm.ScopeMetrics, func(s metricdata.ScopeMetrics) bool { return len(s.Metrics) == 0 })
	}
}

// scope returns the registry's part of rm, made if need be.
func (f *filler) scope(rm *metricdata.ResourceMetrics) *metricdata.ScopeMetrics {
	for i := range rm.ScopeMetrics {
		if rm.ScopeMetrics[i].Scope.Name == instruments.Scope {
			return &rm.ScopeMetrics[i]
		}
	}
	rm.ScopeMetrics = append(rm.ScopeMetrics, metricdata.ScopeMetrics{
		Scope: instrumentation.Scope{Name: instruments.Scope},
	})
	return &rm.ScopeMetrics[len(rm.ScopeMetrics)-1]
}

// earliestStart is when the registry's series began: that of its counters, or
// else when it was attached. A histogram's first recording then never seems to
// have begun before the zero that was pushed for it.
func earliestStart(metrics []metricdata.Metrics, attached time.Time) time.Time {
	start := attached
	for _, m := range metrics {
		sum, ok := m.Data.(metricdata.Sum[float64])
		if !ok || sum.Temporality != metricdata.CumulativeTemporality {
			continue
		}
		for _, p := range sum.DataPoints {
			if p.StartTime.Before(start) && !p.StartTime.IsZero() {
				start = p.StartTime
			}
		}
	}
	return start
}

func (f *filler) zeroHistograms(scope *metricdata.ScopeMetrics, now time.Time) {
	have := make(map[string]int, len(scope.Metrics))
	for i, m := range scope.Metrics {
		have[m.Name] = i
	}
	for _, z := range f.reg.ZeroHistograms() {
		at, ok := have[z.Name]
		if !ok {
			points := f.zeroPoints(z, z.Sets, now)
			scope.Metrics = append(scope.Metrics, metricdata.Metrics{
				Name: z.Name, Description: z.Help, Unit: z.Unit,
				Data: metricdata.Histogram[float64]{Temporality: metricdata.CumulativeTemporality, DataPoints: points},
			})
			continue
		}
		if h, ok := scope.Metrics[at].Data.(metricdata.Histogram[float64]); ok {
			h.DataPoints = append(slices.Clip(h.DataPoints), f.zeroPoints(z, missing(z.Sets, h.DataPoints), now)...)
			scope.Metrics[at].Data = h
		}
	}
}

// missing returns the sets without a point.
func missing(sets []attribute.Set, points []metricdata.HistogramDataPoint[float64]) []attribute.Set {
	return slices.DeleteFunc(slices.Clone(sets), func(set attribute.Set) bool {
		return slices.ContainsFunc(points, func(p metricdata.HistogramDataPoint[float64]) bool {
			return p.Attributes.Equals(&set)
		})
	})
}

func (f *filler) zeroPoints(z instruments.ZeroHistogram, sets []attribute.Set, now time.Time) []metricdata.HistogramDataPoint[float64] {
	points := make([]metricdata.HistogramDataPoint[float64], 0, len(sets))
	for _, set := range sets {
		points = append(points, metricdata.HistogramDataPoint[float64]{
			Attributes: set, StartTime: f.start, Time: now,
			Bounds: z.Buckets, BucketCounts: make([]uint64, len(z.Buckets)+1),
		})
	}
	return points
}

func (f *filler) summary(s instruments.SummaryValue, now time.Time) metricdata.Metrics {
	quantiles := make([]metricdata.QuantileValue, len(s.Quantiles))
	for i, q := range s.Quantiles {
		quantiles[i] = metricdata.QuantileValue{Quantile: q.Quantile, Value: q.Value}
	}
	return metricdata.Metrics{
		Name: s.Name, Description: s.Help, Unit: s.Unit,
		Data: metricdata.Summary{DataPoints: []metricdata.SummaryDataPoint{{
			StartTime: f.start, Time: now, Count: s.Count, Sum: s.Sum, QuantileValues: quantiles,
		}}},
	}
}
