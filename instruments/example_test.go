package instruments_test

import (
	"context"
	"fmt"
	"strings"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/telltale-agent/telltale/instruments"
)

// A declaration that could not come out exactly as it stands is refused, and
// the error says where it stands and why.
func ExampleDeclareGauge() {
	_, err := instruments.DeclareGauge(instruments.Spec{Name: "queue.length", Unit: "1", Help: "Jobs that wait."})
	_, why, _ := strings.Cut(err.Error(), ": ")
	fmt.Println(why)
	// Output: the name cannot come out exactly: use a letter, then letters, digits and underscores, at most 255
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
