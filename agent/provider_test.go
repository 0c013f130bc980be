package agent

import (
	"bytes"
	"context"
	"errors"
	"log"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/telltale-agent/telltale/exporters"
)

// hang registers a gauge whose callback waits for release.
func hang(t *testing.T, a *Agent, release <-chan struct{}) {
	t.Helper()
	_, err := a.MeterProvider().Meter("embedder").Int64ObservableGauge("hanging",
		metric.WithInt64Callback(func(context.Context, metric.Int64Observer) error {
			<-release
			return nil
		}))
	if err != nil {
		t.Fatal(err)
	}
}

// Whatever an embedder's instruments do, the documented metrics are there and
// the scrape is a 200.
func TestEmbeddersInstrumentsCostOnlyThemselves(t *testing.T) {
	a := startAgent(t, Config{})
	meter := a.MeterProvider().Meter("embedder")
	release := make(chan struct{})
	defer close(release)
	hang(t, a, release)
	if _, err := meter.Int64ObservableGauge("panicking", metric.WithInt64Callback(func(context.Context, metric.Int64Observer) error {
		panic("planted")
	})); err != nil {
		t.Fatal(err)
	}
	if _, err := meter.Int64Counter("process_state"); err == nil {
		t.Error("a counter may take the name of a documented gauge")
	}
	broken, err := meter.Int64Counter("broken")
	if err != nil {
		t.Fatal(err)
	}
	broken.Add(t.Context(), 1, metric.WithAttributes(attribute.String("label", "\xff")))
	good, err := meter.Float64Histogram("good.seconds", metric.WithExplicitBucketBoundaries(1, 2))
	if err != nil {
		t.Fatal(err)
	}
	good.Record(t.Context(), 1.5)

	if status, body := ask(a, http.MethodGet, "/metrics"); status != 200 {
		t.Errorf("got %d %s, want 200", status, body)
	}
	// A failure shows in the scrape after the one that it happened in.
	_, body := ask(a, http.MethodGet, "/metrics")
	for _, want := range []string{"\nprocess_state 3\n", "\nuser_login_total 0\n", "\ngood_seconds_count 1\n",
		`telltale_callback_failures_total{callback="embedder",reason="panic"} `} {
		if !strings.Contains(body, want) {
			t.Errorf("the scrape does not have %q", want)
		}
	}
	if strings.Contains(body, "planted") {
		t.Error("the panic's value is in the scrape")
	}
}

func TestGlobals(t *testing.T) {
	before := otel.GetMeterProvider()
	a := startAgent(t, Config{})
	if otel.GetMeterProvider() != before {
		t.Fatal("an agent set the global meter provider unasked")
	}
	global, err := Start(t.Context(), Config{}, quiet(WithGlobals())...)
	if err != nil {
		t.Fatal(err)
	}
	counter, err := otel.Meter("library").Int64Counter("library_calls")
	if err != nil {
		t.Fatal(err)
	}
	counter.Add(t.Context(), 2)
	if _, body := ask(global, http.MethodGet, "/metrics"); !strings.Contains(body, "\nlibrary_calls 2\n") {
		t.Error("what a library records globally is not in the scrape")
	}
	if _, body := ask(a, http.MethodGet, "/metrics"); strings.Contains(body, "library_calls") {
		t.Error("it is in the scrape of another agent")
	}
	if err := global.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	if otel.GetMeterProvider() != before {
		t.Error("the global meter provider was not put back")
	}
}

// What OpenTelemetry reports goes to the log of the agent that asked for it last
// and still runs, never to one that was shut down.
func TestGlobalErrorsFollowTheAgents(t *testing.T) {
	var logs [2]bytes.Buffer
	start := func(i int) *Agent {
		a, err := Start(t.Context(), Config{}, append(quiet(WithGlobals()), WithLogger(slog.New(slog.NewTextHandler(&logs[i], nil))))...)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	stop := func(a *Agent) {
		if err := a.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	}
	var standard bytes.Buffer // where OpenTelemetry's own handler writes
	log.SetOutput(&standard)
	defer log.SetOutput(os.Stderr)
	said := func(text string) []bool {
		otel.Handle(errors.New(text))
		return []bool{strings.Contains(logs[0].String(), text), strings.Contains(logs[1].String(), text), strings.Contains(standard.String(), text)}
	}

	var one, two *Agent
	for _, row := range []struct {
		name string
		do   func()
		want []bool // in the log of the first agent, of the second, in the standard log
	}{
		{"the first runs", func() { one = start(0) }, []bool{true, false, false}},
		{"it was shut down", func() { stop(one) }, []bool{false, false, true}},
		{"it runs again", func() { one = start(0) }, []bool{true, false, false}},
		{"the second runs too", func() { two = start(1) }, []bool{false, true, false}},
		{"only the second runs", func() { stop(one) }, []bool{false, true, false}},
		{"none runs", func() { stop(two) }, []bool{false, false, true}},
	} {
		row.do()
		if got := said(row.name); !slices.Equal(got, row.want) {
			t.Errorf("%s: got %v, want %v", row.name, got, row.want)
		}
	}
}

// The runtime instrumentation adds its semantic-convention metrics, whatever
// experiments the environment switches on.
func TestRuntimeInstrumentation(t *testing.T) {
	t.Setenv("OTEL_GO_X_DEPRECATED_RUNTIME_METRICS", "true")
	a := startAgent(t, Config{})
	_, body := ask(a, http.MethodGet, "/metrics")
	for _, want := range []string{"go_memory_used", "go_goroutine_count", "go_processor_limit", "go_config_gogc"} {
		if !strings.Contains(body, "\n# TYPE "+want+" gauge\n") {
			t.Errorf("%s is not there", want)
		}
	}
	if strings.Contains(body, "process_runtime_go_") || strings.Contains(body, "runtime_uptime") {
		t.Error("the environment adds names that are not declared")
	}
}

// What the SDK and its exporters tell about themselves, if the environment makes
// them, is not among the metrics of an agent that is the global provider.
func TestOwnMachinery(t *testing.T) {
	t.Setenv("OTEL_GO_X_OBSERVABILITY", "true")
	targets := []exporters.Target{{URL: "http://127.0.0.1:1"}, {URL: "grpc://127.0.0.1:1"}} // nobody is there
	a, err := Start(t.Context(), Config{OTLP: targets, PushInterval: 20 * time.Millisecond}, quiet(WithGlobals())...)
	if err != nil {
		t.Fatal(err)
	}
	for _, push := range a.pipeline.pushes {
		for range 2 { // after a failure an exporter is made anew
			if push.ForceFlush(t.Context()) == nil {
				t.Error("a push to nobody succeeded")
			}
		}
	}
	if _, body := ask(a, http.MethodGet, "/metrics"); strings.Contains(body, "otel_sdk_") {
		t.Error("the environment adds names that are not declared")
	}
	_ = a.Shutdown(context.Background()) // there is still nobody to push to
}
