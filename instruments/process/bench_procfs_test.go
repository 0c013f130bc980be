//go:build linux

package process

import (
	"fmt"
	"testing"

	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/telltale-agent/telltale/instruments/instrumentstest"
)

// BenchmarkCollect shows what the source adds to a collection of the registry.
func BenchmarkCollect(b *testing.B) {
	for _, with := range []bool{false, true} {
		b.Run(fmt.Sprintf("observed=%t", with), func(b *testing.B) {
			exit := instrumentstest.New(b)
			if with {
				if _, err := Observe(exit.Registry); err != nil {
					b.Fatal(err)
				}
			}
			var data metricdata.ResourceMetrics
			b.ReportAllocs()
			for b.Loop() {
				exit.Read(b, &data)
			}
		})
	}
}
