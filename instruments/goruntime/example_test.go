package goruntime_test

import (
	"context"
	"fmt"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/telltale-agent/telltale/instruments"
	"github.com/telltale-agent/telltale/instruments/goruntime"
)

func ExampleObserve() {
	reader := sdkmetric.NewManualReader()
	registry, err := instruments.New(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer registry.Close()

	stop := goruntime.Observe(registry)
	defer stop()

	var data metricdata.ResourceMetrics
	if err := reader.Collect(context.Background(), &data); err != nil {
		fmt.Println(err)
		return
	}
	for _, m := range data.ScopeMetrics[0].Metrics {
		if gauge, ok := m.Data.(metricdata.Gauge[float64]); ok && m.Name == "go_goroutines" {
			fmt.Println(m.Name, gauge.DataPoints[0].Value > 0)
		}
	}
	// Output: go_goroutines true
}
