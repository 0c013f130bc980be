package goruntime_test

import (
	"runtime"
	"testing"

	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/telltale-agent/telltale/instruments/goruntime"
	"github.com/telltale-agent/telltale/instruments/instrumentstest"
)

// BenchmarkCollect shows what the source adds to a collection of the registry.
func BenchmarkCollect(b *testing.B) {
	for _, observed := range []bool{false, true} {
		name := "without"
		if observed {
			name = "with"
		}
		b.Run(name, func(b *testing.B) {
			exit := instrumentstest.New(b)
			if observed {
				goruntime.Observe(exit.Registry)
			}
			var data metricdata.ResourceMetrics
			b.ReportAllocs()
			for b.Loop() {
				exit.Read(b, &data)
			}
		})
	}
}

// BenchmarkReadMemStats is what the same facts cost the usual way.
func BenchmarkReadMemStats(b *testing.B) {
	var stats runtime.MemStats
	for b.Loop() {
		runtime.ReadMemStats(&stats)
	}
}
