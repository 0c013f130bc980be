package instrumentstest

import (
	"context"
	"testing"

	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// Read makes one collection, whose memory a benchmark may use again.
func (e *Exit) Read(t testing.TB, data *metricdata.ResourceMetrics) {
	t.Helper()
	if err := e.read(data); err != nil {
		t.Errorf("collect: %v", err)
	}
}

func (e *Exit) read(data *metricdata.ResourceMetrics) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.reader.Collect(context.Background(), data)
}

// Points returns what one collection has of a counter or gauge, with the names
// of the labels, which Values leave out.
func (e *Exit) Points(t testing.TB, name string) []metricdata.DataPoint[float64] {
	t.Helper()
	var data metricdata.ResourceMetrics
	e.Read(t, &data)
	for _, scope := range data.ScopeMetrics {
		for _, m := range scope.Metrics {
			if m.Name == name {
				return points(m.Data)
			}
		}
	}
	return nil
}

func points(data metricdata.Aggregation) []metricdata.DataPoint[float64] {
	switch data := data.(type) {
	case metricdata.Sum[float64]:
		return data.DataPoints
	case metricdata.Gauge[float64]:
		return data.DataPoints
	}
	return nil
}
