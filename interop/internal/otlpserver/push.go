package otlpserver

import (
	"fmt"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// Number is one data point of a counter or gauge.
type Number struct {
	Value float64
	Start time.Time // from which on Value counts
}

// each visits all metrics of a push.
func (p Push) each(visit func(pmetric.Metric)) {
	resources := p.Metrics.ResourceMetrics()
	for r := range resources.Len() {
		scopes := resources.At(r).ScopeMetrics()
		for s := range scopes.Len() {
			metrics := scopes.At(s).Metrics()
			for m := range metrics.Len() {
				visit(metrics.At(m))
			}
		}
	}
}

// ByName is the push's metrics by name. A name that comes twice fails the test.
func (p Push) ByName(t testing.TB) map[string]pmetric.Metric {
	t.Helper()
	metrics := map[string]pmetric.Metric{}
	p.each(func(m pmetric.Metric) {
		if _, twice := metrics[m.Name()]; twice {
			t.Errorf("one push holds %s twice", m.Name())
		}
		metrics[m.Name()] = m
	})
	return metrics
}

// Number finds the data point of a counter or gauge with exactly the given labels, pairs of names and values.
func (p Push) Number(name string, labels ...string) (Number, error) {
	var found []Number
	p.each(func(m pmetric.Metric) {
		if m.Name() != name {
			return
		}
		points := NumberPoints(m)
		for i := range points.Len() {
			if point := points.At(i); sameAttributes(point.Attributes(), labels) {
				found = append(found, Number{pointValue(point), point.StartTimestamp().AsTime()})
			}
		}
	})
	if len(found) != 1 {
		return Number{}, fmt.Errorf("a push holds %d points of %s%q, want 1", len(found), name, labels)
	}
	return found[0], nil
}

// NumberPoints are the points of a counter or gauge; none for other kinds.
func NumberPoints(m pmetric.Metric) pmetric.NumberDataPointSlice {
	switch m.Type() {
	case pmetric.MetricTypeSum:
		return m.Sum().DataPoints()
	case pmetric.MetricTypeGauge:
		return m.Gauge().DataPoints()
	default:
		return pmetric.NewNumberDataPointSlice()
	}
}

func pointValue(point pmetric.NumberDataPoint) float64 {
	if point.ValueType() == pmetric.NumberDataPointValueTypeInt {
		return float64(point.IntValue())
	}
	return point.DoubleValue()
}

func sameAttributes(have pcommon.Map, want []string) bool {
	if have.Len()*2 != len(want) {
		return false
	}
	for i := 0; i+1 < len(want); i += 2 {
		if value, ok := have.Get(want[i]); !ok || value.AsString() != want[i+1] {
			return false
		}
	}
	return true
}
