package exporters

import "go.opentelemetry.io/otel/sdk/metric/metricdata"

// maxPoints bounds the points of one request. A Collector takes 4 MiB over gRPC
// unless it is told otherwise, and of a larger one nothing. A point with long
// labels has some hundred bytes, a histogram's a little more, so that a metric
// can have all the series it may and fit.
const maxPoints = 2000

// parts divides a collection that has been cleaned into some of at most limit
// points each; points of one metric may come in several. The usual collection is
// one part, and is not copied.
func parts(rm *metricdata.ResourceMetrics, limit int) []*metricdata.ResourceMetrics {
	if pointCount(rm) <= limit {
		return []*metricdata.ResourceMetrics{rm}
	}
	d := divider{limit: limit}
	for _, sm := range rm.ScopeMetrics {
		d.scope = nil
		for _, m := range sm.Metrics {
			d.add(rm, sm, m)
		}
	}
	return d.parts
}

func pointCount(rm *metricdata.ResourceMetrics) (n int) {
	for _, sm := range rm.ScopeMetrics {
		for _, m := range sm.Metrics {
			n += pointsOf(m.Data).len()
		}
	}
	return n
}

// divider fills one part after the other.
type divider struct {
	limit int
	parts []*metricdata.ResourceMetrics
	room  int                      // for points in the last part
	scope *metricdata.ScopeMetrics // the current one in the last part; nil if it is not there yet
}

func (d *divider) add(rm *metricdata.ResourceMetrics, sm metricdata.ScopeMetrics, m metricdata.Metrics) {
	points := pointsOf(m.Data)
	for from := 0; from < points.len(); {
		if d.room == 0 {
			d.parts = append(d.parts, &metricdata.ResourceMetrics{Resource: rm.Resource})
			d.room, d.scope = d.limit, nil
		}
		if d.scope == nil {
			part := d.parts[len(d.parts)-1]
			part.ScopeMetrics = append(part.ScopeMetrics, metricdata.ScopeMetrics{Scope: sm.Scope})
			d.scope = &part.ScopeMetrics[len(part.ScopeMetrics)-1]
		}
		to := min(from+d.room, points.len())
		m.Data = points.slice(from, to)
		d.scope.Metrics = append(d.scope.Metrics, m)
		d.room -= to - from
		from = to
	}
}
