package auth_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/telltale-agent/telltale/instruments"
	"github.com/telltale-agent/telltale/instruments/auth"
)

func ExampleGenerate() {
	reader := sdkmetric.NewManualReader() // an agent has its own: agent.Instruments()
	registry, err := instruments.New(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer registry.Close()

	limiter := auth.New(registry, 1)
	newKey := func(context.Context) (ed25519.PrivateKey, error) {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	}
	_, err = auth.Generate(context.Background(), limiter, func(ctx context.Context) (ed25519.PrivateKey, error) {
		if _, err := auth.Generate(ctx, limiter, newKey); errors.Is(err, auth.ErrThrottled) {
			fmt.Println("one at a time")
		}
		return newKey(ctx)
	})
	if err != nil {
		fmt.Println(err)
	}
	show(reader, "auth_generate_requests_throttled_total", "auth_generate_requests_total")
	// Output:
	// one at a time
	// auth_generate_requests_throttled_total 1
	// auth_generate_requests_total 1
}

func ExampleClusterName() {
	reader := sdkmetric.NewManualReader() // an agent has its own: agent.Instruments()
	registry, err := instruments.New(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer registry.Close()

	lookUp := auth.ClusterName(registry, func(context.Context) (string, error) {
		name, err := os.ReadFile(filepath.Join("testdata", "no-such-file"))
		return string(name), err
	}, func(err error) bool { return errors.Is(err, fs.ErrNotExist) })
	if _, err := lookUp(context.Background()); err != nil {
		fmt.Println("no name")
	}
	show(reader, "cluster_name_not_found_total")
	// Output:
	// no name
	// cluster_name_not_found_total 1
}

// show prints what a collection finds.
func show(reader *sdkmetric.ManualReader, names ...string) {
	var data metricdata.ResourceMetrics
	if err := reader.Collect(context.Background(), &data); err != nil {
		fmt.Println(err)
	}
	for _, name := range names {
		for _, m := range data.ScopeMetrics[0].Metrics {
			if sum, ok := m.Data.(metricdata.Sum[float64]); ok && m.Name == name {
				fmt.Println(m.Name, sum.DataPoints[0].Value)
			}
		}
	}
}
