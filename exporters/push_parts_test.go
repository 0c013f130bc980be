package exporters

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/resource"
)

// TestPushOfManySeries records as many series as metrics can have: far more than
// what a collector takes in one request of gRPC. All of them arrive, at the next
// attempt also those that came behind a refusal.
func TestPushOfManySeries(t *testing.T) {
	const counters, series = 3, 1999
	long := strings.Repeat("x", maxLabelValue)
	bothProtocols(t, func(t *testing.T, protocol string) {
		collector := startReceiver(t, protocol, nil)
		r := newRig(t, Target{URL: collector.url(), Timeout: time.Hour, ExportTimeout: time.Hour}).withoutRetries()
		for c := range counters {
			counter, err := r.provider.Meter("many").Int64Counter(fmt.Sprintf("counter_%d", c))
			if err != nil {
				t.Fatal(err)
			}
			for n := range series {
				counter.Add(t.Context(), 1, metric.WithAttributes(attribute.Int("resource", n),
					attribute.String("a", long), attribute.String("b", long), attribute.String("c", long)))
			}
		}
		r.flushed(t)
		requests := collector.count()
		if got, want := collector.points(), counters*series; got != want {
			t.Errorf("got %d points in %d requests, want %d", got, requests, want)
		}
		if requests < 2 || requests > counters*series/maxPoints+1 {
			t.Errorf("%d requests", requests)
		}
		collector.set(badRequest)
		r.refused(t, "push to")
		if got := collector.count() - requests; got != 1 {
			t.Errorf("%d requests after the first was refused, want no more", got-1)
		}
		collector.set(accept)
		r.flushed(t)
		if got := collector.count() - requests - 1; got != requests {
			t.Errorf("%d requests, want all %d again", got, requests)
		}
	})
}

// points counts the points of all sums that were delivered.
func (r *receiver) points() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, d := range r.deliveries {
		for _, rm := range d.request.GetResourceMetrics() {
			for _, sm := range rm.GetScopeMetrics() {
				for _, m := range sm.GetMetrics() {
					n += len(m.GetSum().GetDataPoints())
				}
			}
		}
	}
	return n
}

func TestParts(t *testing.T) {
	sum := func(values ...int64) metricdata.Sum[int64] {
		var points []metricdata.DataPoint[int64]
		for _, v := range values {
			points = append(points, metricdata.DataPoint[int64]{Value: v})
		}
		return metricdata.Sum[int64]{Temporality: metricdata.CumulativeTemporality, DataPoints: points}
	}
	rm := &metricdata.ResourceMetrics{Resource: resource.Empty(), ScopeMetrics: []metricdata.ScopeMetrics{
		{Metrics: []metricdata.Metrics{{Name: "a", Data: sum(1, 2, 3)}, {Name: "none", Data: sum()}, {Name: "b", Data: sum(4)}}},
		{Metrics: []metricdata.Metrics{{Name: "c", Data: sum(5, 6, 7, 8, 9)}}},
	}}
	for limit, want := range map[int]string{
		9: "[a:123 none: b:4][c:56789]",
		8: "[a:123 b:4][c:5678] | [c:9]",
		4: "[a:123 b:4] | [c:5678] | [c:9]",
		2: "[a:12] | [a:3 b:4] | [c:56] | [c:78] | [c:9]",
	} {
		if got := shape(parts(rm, limit)); got != want {
			t.Errorf("at most %d points: got %s, want %s", limit, got, want)
		}
	}
	if got := parts(rm, 9); got[0] != rm {
		t.Error("what fits is copied")
	}
}

// shape writes parts down: scopes in brackets, values after the metric's name.
func shape(list []*metricdata.ResourceMetrics) (s string) {
	for i, rm := range list {
		if i > 0 {
			s += " | "
		}
		for _, sm := range rm.ScopeMetrics {
			s += "["
			for j, m := range sm.Metrics {
				if j > 0 {
					s += " "
				}
				s += m.Name + ":"
				for _, p := range m.Data.(metricdata.Sum[int64]).DataPoints {
					s += fmt.Sprint(p.Value)
				}
			}
			s += "]"
		}
	}
	return s
}
