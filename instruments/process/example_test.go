//go:build linux

package process_test

import (
	"context"
	"fmt"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/telltale-agent/telltale/instruments"
	"github.com/telltale-agent/telltale/instruments/process"
)

func ExampleObserve() {
	reader := sdkmetric.NewManualReader()
	registry, err := instruments.New(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer registry.Close()

	stop, err := process.Observe(registry)
	if err != nil {
		fmt.Println(err) // there is no /proc: the metrics are absent
	}
	defer stop()

	var data metricdata.ResourceMetrics
	if err := reader.Collect(context.Background(), &data); err != nil {
		fmt.Println(err)
		return
	}
	for _, m := range data.ScopeMetrics[0].Metrics {
		if gauge, ok := m.Data.(metricdata.Gauge[float64]); ok && m.Name == "process_open_fds" {
			fmt.Println(m.Name, gauge.DataPoints[0].Value > 0)
		}
	}
	// Output: process_open_fds true
}
