package agent

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/telltale-agent/telltale/exporters"
)

const planFile = `
file_format: "1.0"
resource:
  attributes:
    - {name: service.name, value: file}
meter_provider:
  readers:
    - periodic:
        interval: 3000
        exporter:
          otlp_http:
            endpoint: http://file:1/v1/metrics
            compression: none
            timeout: 3000
`

// TestPrecedence takes settings from all places at once: what stands in Config
// wins over the environment, and that over the file.
func TestPrecedence(t *testing.T) {
	file := filepath.Join(t.TempDir(), "otel-config.yaml")
	if err := os.WriteFile(file, []byte(planFile), 0o600); err != nil {
		t.Fatal(err)
	}
	const endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT"
	flag := []exporters.Target{{URL: "http://flag:1"}}
	for _, row := range []struct {
		name     string
		config   Config
		env      map[string]string
		urls     string // of the targets, separated by spaces
		interval time.Duration
		timeout  time.Duration
		service  string
	}{
		{"defaults", Config{OTLP: flag}, nil, "http://flag:1", 0, 0, "telltale"},
		{"file", Config{ConfigFile: file}, nil, "http://file:1/v1/metrics", 3 * time.Second, 3 * time.Second, "file"},
		{"environment over file", Config{ConfigFile: file}, map[string]string{endpoint: "http://env:1"}, "http://env:1/v1/metrics", 0, 0, "file"},
		{"settings of the environment over those of the file", Config{ConfigFile: file},
			map[string]string{"OTEL_METRIC_EXPORT_INTERVAL": "2000", "OTEL_EXPORTER_OTLP_TIMEOUT": "2000", "OTEL_SERVICE_NAME": "env"},
			"http://file:1/v1/metrics", 2 * time.Second, 2 * time.Second, "env"},
		{"flags over all", Config{ConfigFile: file, OTLP: flag, PushInterval: time.Second, ServiceName: "flag"},
			map[string]string{endpoint: "http://env:1", "OTEL_METRIC_EXPORT_INTERVAL": "2000", "OTEL_EXPORTER_OTLP_TIMEOUT": "2000", "OTEL_SERVICE_NAME": "env"},
			"http://flag:1", time.Second, 2 * time.Second, "flag"},
		{"interval of a flag over that of the file", Config{ConfigFile: file, PushInterval: time.Second}, nil,
			"http://file:1/v1/metrics", time.Second, 3 * time.Second, "file"},
		{"exporter none over file", Config{ConfigFile: file}, map[string]string{"OTEL_METRICS_EXPORTER": "none"}, "", 0, 0, "file"},
		{"flags over exporter none", Config{OTLP: flag}, map[string]string{"OTEL_METRICS_EXPORTER": "none"}, "http://flag:1", 0, 0, "telltale"},
		{"disabled", Config{ConfigFile: file, OTLP: flag}, map[string]string{"OTEL_SDK_DISABLED": "TRUE", endpoint: "http://env:1"}, "", 0, 0, "file"},
	} {
		t.Run(row.name, func(t *testing.T) {
			p, err := newPlan(row.config, quiet(WithEnvironment(func(name string) string { return row.env[name] })))
			if err != nil {
				t.Fatal(err)
			}
			var urls []string
			for _, target := range p.targets {
				urls = append(urls, target.URL)
				if target.Interval != row.interval || target.Timeout != row.timeout {
					t.Errorf("%s: interval %v, timeout %v, want %v and %v", target.URL, target.Interval, target.Timeout, row.interval, row.timeout)
				}
			}
			if got := strings.Join(urls, " "); got != row.urls {
				t.Errorf("pushes to %q, want %q", got, row.urls)
			}
			if got, _ := p.resource.Set().Value("service.name"); got.AsString() != row.service {
				t.Errorf("service.name is %q, want %q", got.AsString(), row.service)
			}
		})
	}
}

// TestDisabledIsLogged: pushing that was asked for and does not happen shows in
// the line of the start.
func TestDisabledIsLogged(t *testing.T) {
	var log bytes.Buffer
	a, err := Start(t.Context(), Config{OTLP: []exporters.Target{{URL: "http://127.0.0.1:1"}}},
		WithLogger(slog.New(slog.NewTextHandler(&log, nil))),
		WithEnvironment(func(name string) string { return map[string]string{"OTEL_SDK_DISABLED": "true"}[name] }))
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	if want := `push="disabled by OTEL_SDK_DISABLED"`; !strings.Contains(log.String(), want) {
		t.Errorf("no %s in:\n%s", want, &log)
	}
}

// TestCollectorsBehindOneGateway: what fails does not hide behind what works,
// in the metrics or in the log, because both are at one host and port.
func TestCollectorsBehindOneGateway(t *testing.T) {
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/works" {
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	defer gateway.Close()
	var log bytes.Buffer
	a, err := Start(t.Context(), Config{OTLP: []exporters.Target{{URL: gateway.URL + "/works"}, {URL: gateway.URL + "/s3cret"}}},
		quiet(WithLogger(slog.New(slog.NewTextHandler(&log, nil))))...)
	if err != nil {
		t.Fatal(err)
	}
	for i, push := range a.pipeline.pushes {
		if err := push.ForceFlush(t.Context()); (err == nil) != (i == 0) {
			t.Errorf("push %d: %v", i, err)
		}
	}
	_, scrape := ask(a, http.MethodGet, "/metrics")
	for _, want := range []string{
		`telltale_push_up{endpoint="` + gateway.URL + `"} 1`,
		`telltale_push_up{endpoint="` + gateway.URL + `#2"} 0`,
	} {
		if !strings.Contains(scrape, want+"\n") {
			t.Errorf("no %s in the scrape", want)
		}
	}
	_ = a.Shutdown(context.Background()) // says that the last push was refused
	if want := "endpoint=" + gateway.URL + "#2 reason=rejected"; !strings.Contains(log.String(), want) || strings.Contains(log.String(), "s3cret") {
		t.Errorf("want %s and no path in:\n%s", want, log.String())
	}
}
