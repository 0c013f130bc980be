package exporters_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	collector "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	"google.golang.org/protobuf/proto"

	"github.com/telltale-agent/telltale/exporters"
	"github.com/telltale-agent/telltale/instruments"
)

// An exporter gives its reader to a provider, and gets the registry that is
// made in it. The agent does the same.
func ExamplePrometheus() {
	scrapes, err := exporters.NewPrometheus(exporters.PrometheusOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(scrapes.Reader()))
	defer provider.Shutdown(context.Background())
	defer scrapes.Stop()
	registry, err := instruments.New(provider)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer registry.Close()
	scrapes.Attach(registry)

	instruments.UserLogins.In(registry).Add(3)
	w := httptest.NewRecorder()
	scrapes.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for line := range strings.Lines(w.Body.String()) {
		if strings.Contains(line, "user_login_total") {
			fmt.Print(line)
		}
	}
	// Output:
	// # HELP user_login_total Logins of users that succeeded.
	// # TYPE user_login_total counter
	// user_login_total 3
}

// A push has one collector, and a reader of its own in the provider.
func ExamplePush() {
	server := httptest.NewServer(http.HandlerFunc(receive))
	defer server.Close()

	push, err := exporters.NewPush(exporters.Target{URL: server.URL}, exporters.PushOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(push.Reader()))
	registry, err := instruments.New(provider)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer registry.Close()
	push.Attach(registry)

	instruments.UserLogins.In(registry).Add(3)
	// The first export would come after a minute. The last one comes here.
	if err := push.Shutdown(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output: user_login_total 3
}

// receive is what a collector does with an export.
func receive(w http.ResponseWriter, r *http.Request) {
	var export collector.ExportMetricsServiceRequest
	body, err := io.ReadAll(r.Body)
	if err != nil || proto.Unmarshal(body, &export) != nil {
		http.Error(w, "no export", http.StatusBadRequest)
		return
	}
	for _, scope := range export.ResourceMetrics[0].ScopeMetrics {
		for _, m := range scope.Metrics {
			if m.Name == "user_login_total" {
				fmt.Println(m.Name, m.GetSum().DataPoints[0].GetAsDouble())
			}
		}
	}
	w.Header().Set("Content-Type", "application/x-protobuf") // an empty message: everything is taken
}

// The variables are those of the OpenTelemetry specification.
func ExampleTargetsFromEnv() {
	environment := map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4317",
		"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
		"OTEL_EXPORTER_OTLP_TIMEOUT":  "3000",
	}
	targets, err := exporters.TargetsFromEnv(func(name string) string { return environment[name] })
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, t := range targets {
		fmt.Println(t.URL, t.Timeout)
	}
	// Output: grpc://collector:4317 3s
}
