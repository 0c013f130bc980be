package exporters

import (
	"iter"
	"slices"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// points is what cleaning needs of the points of a metric, whatever their type.
type points interface {
	len() int
	sets() iter.Seq[attribute.Set]
	// slice returns the data with the points from i to j alone.
	slice(i, j int) metricdata.Aggregation
	// only returns the data without the points whose label set is not wanted,
	// and how many those are. The receiver is not changed.
	only(wanted func(attribute.Set) bool) (metricdata.Aggregation, int)
	// relabelled returns the data with the label sets that change returns, and
	// how many of them it changed. The receiver is not changed.
	relabelled(change func(attribute.Set) (attribute.Set, bool)) (metricdata.Aggregation, int)
	// with returns the data with the points of other data of the same kind
	// added, and false if it is of another kind.
	with(other metricdata.Aggregation) (metricdata.Aggregation, bool)
}

// pointsOf returns nil for data that OTLP cannot carry.
func pointsOf(data metricdata.Aggregation) points {
	switch d := data.(type) {
	case metricdata.Gauge[int64]:
		return gaugePoints(d)
	case metricdata.Gauge[float64]:
		return gaugePoints(d)
	case metricdata.Sum[int64]:
		return sumPoints(d)
	case metricdata.Sum[float64]:
		return sumPoints(d)
	case metricdata.Histogram[int64]:
		return histogramPoints(d)
	case metricdata.Histogram[float64]:
		return histogramPoints(d)
	case metricdata.ExponentialHistogram[int64]:
		return exponentialPoints(d)
	case metricdata.ExponentialHistogram[float64]:
		return exponentialPoints(d)
	case metricdata.Summary:
		return series[metricdata.SummaryDataPoint, metricdata.Summary]{
			list: d.DataPoints,
			set:  func(p *metricdata.SummaryDataPoint) *attribute.Set { return &p.Attributes },
			data: func(l []metricdata.SummaryDataPoint) metricdata.Summary {
				d.DataPoints = l
				return d
			},
			listOf: func(d metricdata.Summary) []metricdata.SummaryDataPoint { return d.DataPoints },
			same:   func(metricdata.Summary) bool { return true },
		}
	}
	return nil
}

// series is the points of one kind of data D with points P.
type series[P any, D metricdata.Aggregation] struct {
	list   []P
	set    func(*P) *attribute.Set
	data   func([]P) D        // the data with these points instead
	listOf func(D) []P        // the points of data
	same   func(other D) bool // whether other has the same meaning
}

func (s series[P, D]) len() int { return len(s.list) }

func (s series[P, D]) slice(i, j int) metricdata.Aggregation { return s.data(s.list[i:j:j]) }

func (s series[P, D]) sets() iter.Seq[attribute.Set] {
	return func(yield func(attribute.Set) bool) {
		for i := range s.list {
			if !yield(*s.set(&s.list[i])) {
				return
			}
		}
	}
}

func (s series[P, D]) only(wanted func(attribute.Set) bool) (metricdata.Aggregation, int) {
	kept, dropped := s.list, 0
	for i := range s.list {
		switch {
		case !wanted(*s.set(&s.list[i])):
			if dropped++; dropped == 1 {
				kept = slices.Clone(s.list[:i])
			}
		case dropped > 0:
			kept = append(kept, s.list[i])
		}
	}
	return s.data(kept), dropped
}

func (s series[P, D]) relabelled(change func(attribute.Set) (attribute.Set, bool)) (metricdata.Aggregation, int) {
	list, changed := s.list, 0
	for i := range s.list {
		set, differs := change(*s.set(&s.list[i]))
		if !differs {
			continue
		}
		if changed++; changed == 1 {
			list = slices.Clone(s.list)
		}
		*s.set(&list[i]) = set
	}
	return s.data(list), changed
}

func (s series[P, D]) with(other metricdata.Aggregation) (metricdata.Aggregation, bool) {
	d, ok := other.(D)
	if !ok || !s.same(d) {
		return nil, false
	}
	return s.data(slices.Concat(s.list, s.listOf(d))), true
}

func gaugePoints[N int64 | float64](d metricdata.Gauge[N]) points {
	return series[metricdata.DataPoint[N], metricdata.Gauge[N]]{
		list: withoutBadExemplars(d.DataPoints, func(p *metricdata.DataPoint[N]) *[]metricdata.Exemplar[N] { return &p.Exemplars }),
		set:  func(p *metricdata.DataPoint[N]) *attribute.Set { return &p.Attributes },
		data: func(l []metricdata.DataPoint[N]) metricdata.Gauge[N] {
			d.DataPoints = l
			return d
		},
		listOf: func(d metricdata.Gauge[N]) []metricdata.DataPoint[N] { return d.DataPoints },
		same:   func(metricdata.Gauge[N]) bool { return true },
	}
}

func sumPoints[N int64 | float64](d metricdata.Sum[N]) points {
	if !known(d.Temporality) {
		return nil
	}
	return series[metricdata.DataPoint[N], metricdata.Sum[N]]{
		list: withoutBadExemplars(d.DataPoints, func(p *metricdata.DataPoint[N]) *[]metricdata.Exemplar[N] { return &p.Exemplars }),
		set:  func(p *metricdata.DataPoint[N]) *attribute.Set { return &p.Attributes },
		data: func(l []metricdata.DataPoint[N]) metricdata.Sum[N] {
			d.DataPoints = l
			return d
		},
		listOf: func(d metricdata.Sum[N]) []metricdata.DataPoint[N] { return d.DataPoints },
		same: func(o metricdata.Sum[N]) bool {
			return o.Temporality == d.Temporality && o.IsMonotonic == d.IsMonotonic
		},
	}
}

func histogramPoints[N int64 | float64](d metricdata.Histogram[N]) points {
	if !known(d.Temporality) {
		return nil
	}
	return series[metricdata.HistogramDataPoint[N], metricdata.Histogram[N]]{
		list: withoutBadExemplars(d.DataPoints, func(p *metricdata.HistogramDataPoint[N]) *[]metricdata.Exemplar[N] { return &p.Exemplars }),
		set:  func(p *metricdata.HistogramDataPoint[N]) *attribute.Set { return &p.Attributes },
		data: func(l []metricdata.HistogramDataPoint[N]) metricdata.Histogram[N] {
			d.DataPoints = l
			return d
		},
		listOf: func(d metricdata.Histogram[N]) []metricdata.HistogramDataPoint[N] { return d.DataPoints },
		same:   func(o metricdata.Histogram[N]) bool { return o.Temporality == d.Temporality },
	}
}

func exponentialPoints[N int64 | float64](d metricdata.ExponentialHistogram[N]) points {
	if !known(d.Temporality) {
		return nil
	}
	return series[metricdata.ExponentialHistogramDataPoint[N], metricdata.ExponentialHistogram[N]]{
		list: withoutBadExemplars(d.DataPoints, func(p *metricdata.ExponentialHistogramDataPoint[N]) *[]metricdata.Exemplar[N] { return &p.Exemplars }),
		set:  func(p *metricdata.ExponentialHistogramDataPoint[N]) *attribute.Set { return &p.Attributes },
		data: func(l []metricdata.ExponentialHistogramDataPoint[N]) metricdata.ExponentialHistogram[N] {
			d.DataPoints = l
			return d
		},
		listOf: func(d metricdata.ExponentialHistogram[N]) []metricdata.ExponentialHistogramDataPoint[N] {
			return d.DataPoints
		},
		same: func(o metricdata.ExponentialHistogram[N]) bool { return o.Temporality == d.Temporality },
	}
}

func known(t metricdata.Temporality) bool {
	return t == metricdata.CumulativeTemporality || t == metricdata.DeltaTemporality
}

// withoutBadExemplars leaves out the exemplars of points that have one which
// cannot be sent: they illustrate a point and are no reason to lose it.
func withoutBadExemplars[P any, N int64 | float64](list []P, of func(*P) *[]metricdata.Exemplar[N]) []P {
	bad := func(e metricdata.Exemplar[N]) bool {
		return slices.ContainsFunc(e.FilteredAttributes, func(kv attribute.KeyValue) bool { return !validKeyValue(kv) })
	}
	var out []P
	for i := range list {
		if !slices.ContainsFunc(*of(&list[i]), bad) {
			continue
		}
		if out == nil {
			out = slices.Clone(list)
		}
		*of(&out[i]) = nil
	}
	if out == nil {
		return list
	}
	return out
}
