package instruments_test

import (
	"context"
	"fmt"
	"runtime"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/telltale-agent/telltale/instruments"
)

// StoreName is a label whose values are few and known to the program.
type StoreName string

// Store is the label set of the metrics of a store.
type Store struct {
	Name StoreName `label:"store"`
}

// An embedder declares metrics of its own in package variables. Here it is done
// in a function, so that nothing is declared where the example is not wanted.
func ExampleDeclareCounterBy() {
	reads := instruments.Must(instruments.DeclareCounterBy(instruments.Spec{
		Name: "store_reads_total",
		Unit: "{read}",
		Help: "Reads of the store, successful or not.",
	}, Store{"sessions"}, Store{"users"}))

	var registry *instruments.Registry // agent.Instruments()
	sessions := reads.In(registry).At(Store{"sessions"})
	sessions.Inc()
}

func ExampleDeclareCounter_refused() {
	_, err := instruments.DeclareGauge(instruments.Spec{Name: "queue.length", Unit: "1", Help: "Jobs that wait."})
	fmt.Println(err != nil)
	// Output: true
}

// Values that are read rather than counted come from a source.
func ExampleRegistry_Observe() {
	waiting := instruments.Must(instruments.DeclareGauge(instruments.Spec{
		Name: "jobs_waiting", Unit: "{job}", Help: "Jobs that wait.", Sampled: true,
	}))
	var registry *instruments.Registry // agent.Instruments()
	stop := registry.Observe("jobs", func(ctx context.Context, o *instruments.Observation) {
		waiting.Observe(o, float64(runtime.NumGoroutine()))
	})
	defer stop()
}

// A registry brings every declaration to life in a provider of the SDK.
func ExampleNew() {
	reader := sdkmetric.NewManualReader()
	registry, err := instruments.New(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer registry.Close()
	instruments.UserLogins.In(registry).Inc()

	var data metricdata.ResourceMetrics
	if err := reader.Collect(context.Background(), &data); err != nil {
		fmt.Println(err)
	}
	for _, m := range data.ScopeMetrics[0].Metrics {
		if sum, ok := m.Data.(metricdata.Sum[float64]); ok && m.Name == instruments.UserLogins.Declaration().Name {
			fmt.Println(m.Name, sum.DataPoints[0].Value)
		}
	}
	// Output: user_login_total 1
}
