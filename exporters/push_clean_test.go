package exporters

import (
	"maps"
	"reflect"
	"strings"
	"testing"

	"github.com/telltale-agent/telltale/instruments"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/resource"
)

func labelled(value string) attribute.Set { return attribute.NewSet(attribute.String("k", value)) }

func gauge(values ...string) metricdata.Gauge[float64] {
	var g metricdata.Gauge[float64]
	for _, v := range values {
		g.DataPoints = append(g.DataPoints, metricdata.DataPoint[float64]{Attributes: labelled(v)})
	}
	return g
}

func sum(monotonic bool, values ...string) metricdata.Sum[int64] {
	s := metricdata.Sum[int64]{Temporality: metricdata.CumulativeTemporality, IsMonotonic: monotonic}
	for _, v := range values {
		s.DataPoints = append(s.DataPoints, metricdata.DataPoint[int64]{Attributes: labelled(v)})
	}
	return s
}

func histogram(values ...string) metricdata.Histogram[float64] {
	h := metricdata.Histogram[float64]{Temporality: metricdata.CumulativeTemporality}
	for _, v := range values {
		h.DataPoints = append(h.DataPoints, metricdata.HistogramDataPoint[float64]{Attributes: labelled(v)})
	}
	return h
}

func exponential(values ...string) metricdata.ExponentialHistogram[int64] {
	h := metricdata.ExponentialHistogram[int64]{Temporality: metricdata.DeltaTemporality}
	for _, v := range values {
		h.DataPoints = append(h.DataPoints, metricdata.ExponentialHistogramDataPoint[int64]{Attributes: labelled(v)})
	}
	return h
}

func summary(values ...string) metricdata.Summary {
	var s metricdata.Summary
	for _, v := range values {
		s.DataPoints = append(s.DataPoints, metricdata.SummaryDataPoint{Attributes: labelled(v)})
	}
	return s
}

func TestClean(t *testing.T) {
	type named struct {
		name string
		data metricdata.Aggregation
	}
	type drops map[instruments.PushDropReason]int64
	const bad = "\xff"
	long := strings.Repeat("ä", maxLabelValue)
	cut := long[:maxLabelValue]
	rows := []struct {
		name  string
		in    []named
		want  []named
		drops drops
	}{
		{"good", []named{{"a", gauge("x", "y")}, {"b", summary("x")}}, []named{{"a", gauge("x", "y")}, {"b", summary("x")}}, nil},
		{"every kind", []named{{"a", gauge("x", bad)}, {"b", sum(true, bad, "x")}, {"c", histogram(bad, "x")}, {"d", exponential("x", bad)}, {"e", summary("x", bad)}},
			[]named{{"a", gauge("x")}, {"b", sum(true, "x")}, {"c", histogram("x")}, {"d", exponential("x")}, {"e", summary("x")}}, drops{"invalid": 5}},
		{"nothing left", []named{{"a", gauge(bad)}, {"b", gauge("x")}}, []named{{"b", gauge("x")}}, drops{"invalid": 1}},
		{"name", []named{{bad, gauge("x", "y")}}, nil, drops{"invalid": 2}},
		{"no data", []named{{"a", nil}, {"b", metricdata.Sum[int64]{DataPoints: sum(true, "x").DataPoints}}}, nil, drops{"invalid": 2}},
		{"same series twice", []named{{"a", sum(true, "x", "y")}, {"a", sum(true, "y", "z")}}, []named{{"a", sum(true, "x", "y", "z")}}, drops{"duplicate": 1}},
		{"other kind", []named{{"a", sum(true, "x")}, {"a", gauge("y", "z")}}, []named{{"a", sum(true, "x")}}, drops{"duplicate": 2}},
		{"long", []named{{"a", gauge("x", long)}, {"b", sum(true, long, "x")}, {"c", histogram(long)}, {"d", exponential(long)}, {"e", summary("x", long)}},
			[]named{{"a", gauge("x", cut)}, {"b", sum(true, cut, "x")}, {"c", histogram(cut)}, {"d", exponential(cut)}, {"e", summary("x", cut)}}, nil},
		{"the same once cut", []named{{"a", gauge(long, "x", long+"x", cut)}}, []named{{"a", gauge(cut, "x")}}, drops{"duplicate": 2}},
		{"other meaning", []named{{"a", sum(true, "x")}, {"a", sum(false, "y")}}, []named{{"a", sum(true, "x")}}, drops{"duplicate": 1}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			rm := &metricdata.ResourceMetrics{Resource: resource.Empty(), ScopeMetrics: make([]metricdata.ScopeMetrics, 1)}
			for _, m := range row.in {
				rm.ScopeMetrics[0].Metrics = append(rm.ScopeMetrics[0].Metrics, metricdata.Metrics{Name: m.name, Data: m.data})
			}
			var c cleaner
			c.clean(rm)
			var got []named
			for _, m := range rm.ScopeMetrics[0].Metrics {
				got = append(got, named{m.Name, m.Data})
			}
			if !reflect.DeepEqual(got, row.want) {
				t.Errorf("got  %v\nwant %v", got, row.want)
			}
			if !maps.Equal(c.dropped, row.drops) {
				t.Errorf("dropped %v, want %v", c.dropped, row.drops)
			}
		})
	}
}

// TestCleanValues covers every type that can hold text.
func TestCleanValues(t *testing.T) {
	for name, kv := range map[string]attribute.KeyValue{
		"key":    attribute.Int("\xff", 1),
		"string": attribute.String("k", "\xff"),
		"slice":  attribute.StringSlice("k", []string{"a", "\xff"}),
	} {
		if validKeyValue(kv) {
			t.Errorf("%s: taken for valid", name)
		}
	}
	for name, kv := range map[string]attribute.KeyValue{
		"string": attribute.String("k", "ä"), "int": attribute.Int("k", 1), "slice": attribute.StringSlice("k", []string{"a"}),
	} {
		if !validKeyValue(kv) {
			t.Errorf("%s: taken for invalid", name)
		}
	}
}

// TestCleanChangesNothingShared: what is left out stays in the slice that the
// collection came in.
func TestCleanChangesNothingShared(t *testing.T) {
	g := gauge("\xff", "x", "y")
	data, dropped := pointsOf(g).only(validPoint)
	if !reflect.DeepEqual(data, gauge("x", "y")) || dropped != 1 {
		t.Errorf("got %v, %d dropped", data, dropped)
	}
	if !reflect.DeepEqual(g, gauge("\xff", "x", "y")) {
		t.Errorf("the collection became %v", g)
	}
	long := strings.Repeat("x", maxLabelValue+1)
	g = gauge("x", long)
	var c cleaner
	c.cutLabels(&metricdata.Metrics{Name: "a", Data: g})
	if !reflect.DeepEqual(g, gauge("x", long)) || c.cut["a"] != 1 {
		t.Errorf("the collection became %v, %v cut", g, c.cut)
	}
}

func TestCleanKeepsPointsWithBadExemplars(t *testing.T) {
	g := gauge("x")
	g.DataPoints[0].Exemplars = []metricdata.Exemplar[float64]{{FilteredAttributes: []attribute.KeyValue{attribute.String("k", "\xff")}}}
	data, dropped := pointsOf(g).only(validPoint)
	if got := data.(metricdata.Gauge[float64]).DataPoints; dropped != 0 || len(got) != 1 || got[0].Exemplars != nil {
		t.Errorf("got %v, %d dropped", got, dropped)
	}
	if g.DataPoints[0].Exemplars == nil {
		t.Error("the collection itself was changed")
	}
}

func TestCleanMendsDecoration(t *testing.T) {
	rm := &metricdata.ResourceMetrics{
		Resource:     resource.NewWithAttributes("s", attribute.String("bad", "\xff"), attribute.String("good", "x")),
		ScopeMetrics: []metricdata.ScopeMetrics{{Metrics: []metricdata.Metrics{{Name: "a", Description: "d\xff", Unit: "\xff", Data: gauge("x")}}}},
	}
	rm.ScopeMetrics[0].Scope.Name = "scope\xff"
	rm.ScopeMetrics[0].Scope.Attributes = labelled("\xff")
	var c cleaner
	c.clean(rm)
	sm := rm.ScopeMetrics[0]
	if sm.Scope.Name != "scope\uFFFD" || sm.Scope.Attributes.Len() != 0 || sm.Metrics[0].Description != "d\uFFFD" || sm.Metrics[0].Unit != "\uFFFD" {
		t.Errorf("got %+v", sm)
	}
	if got := rm.Resource.String(); got != "good=x" {
		t.Errorf("resource %s", got)
	}
	if c.dropped != nil {
		t.Errorf("dropped %v", c.dropped)
	}
}
