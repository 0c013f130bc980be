package agent

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"reflect"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/telltale-agent/telltale/exporters"
	"github.com/telltale-agent/telltale/health"
	"github.com/telltale-agent/telltale/instruments"
)

func TestEndpoints(t *testing.T) {
	plain := startAgent(t, Config{Components: []string{"auth"}})
	debug := startAgent(t, Config{Components: []string{"auth"}, Debug: true})
	plain.Health().Component("auth").OK()

	for _, row := range []struct {
		name, method, path string
		agent              *Agent
		status             int
		body               string // a regular expression
	}{
		{"alive", http.MethodGet, "/healthz", plain, 200, `^{"status":"ok"}\n?$`},
		{"alive, HEAD", http.MethodHead, "/healthz", plain, 200, ``},
		{"ready", http.MethodGet, "/readyz", plain, 200, `^{"status":"ok"}\n?$`},
		{"not ready", http.MethodGet, "/readyz", debug, 400, `^{"status":"starting: auth \(never reported\)"}\n?$`},
		{"verbose", http.MethodGet, "/readyz?verbose", plain, 200, `"components":\[{"name":"auth","state":"ok"`},
		{"one component", http.MethodGet, "/readyz/auth", plain, 200, `"ok"`},
		{"unknown component", http.MethodGet, "/readyz/proxy", plain, 404, `proxy`},
		{"exclude", http.MethodGet, "/readyz?exclude=auth", plain, 400, `starting`},
		{"exclude an unknown one", http.MethodGet, "/readyz?exclude=proxy", plain, 400, `proxy`},
		{"metrics", http.MethodGet, "/metrics", plain, 200, `(?m)^process_state 0$`},
		{"metrics while starting", http.MethodGet, "/metrics", debug, 200, `(?m)^process_state 3$`},
		{"profiles off", http.MethodGet, "/debug/pprof/", plain, 404, ``},
		{"profile off", http.MethodGet, "/debug/pprof/heap", plain, 404, ``},
		{"profiles on", http.MethodGet, "/debug/pprof/", debug, 200, `goroutine`},
		{"profile", http.MethodGet, "/debug/pprof/goroutine?debug=1", debug, 200, `goroutine profile: total`},
		{"symbol, POST", http.MethodPost, "/debug/pprof/symbol", debug, 200, `num_symbols: 1`},
		{"no such profile", http.MethodGet, "/debug/pprof/nonsense", debug, 404, ``},
		{"write to a probe", http.MethodPost, "/healthz", plain, 405, ``},
		{"write to metrics", http.MethodPut, "/metrics", plain, 405, ``},
		{"the root", http.MethodGet, "/", plain, 404, ``},
		{"anything else", http.MethodGet, "/healthz/", plain, 404, ``},
	} {
		t.Run(row.name, func(t *testing.T) {
			status, body := ask(row.agent, row.method, row.path)
			if status != row.status || !regexp.MustCompile(row.body).MatchString(body) {
				t.Errorf("%s %s: got %d %.200q, want %d matching %q", row.method, row.path, status, body, row.status, row.body)
			}
		})
	}
}

func TestZeroConfig(t *testing.T) {
	a := startAgent(t, Config{})
	if a.Addr() != "" {
		t.Errorf("got address %q without asking for one", a.Addr())
	}
	instruments.UserLogins.In(a.Instruments()).Add(3)
	if _, body := ask(a, http.MethodGet, "/metrics"); !strings.Contains(body, "\nuser_login_total 3\n") {
		t.Error("user_login_total 3 is not in the scrape")
	}
	if status, body := ask(a, http.MethodGet, "/readyz"); status != 400 {
		t.Errorf("got %d %s with nothing declared, want 400", status, body)
	}
}

// A component whose beats stop degrades the process by the passing of time
// alone, on every exit.
func TestSilenceIsSeenEverywhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reader := sdkmetric.NewManualReader()
		a, err := Start(t.Context(), Config{Components: []string{"auth"}}, quiet(WithReader(reader))...)
		if err != nil {
			t.Fatal(err)
		}
		auth := a.Health().Component("auth")
		for _, step := range []struct {
			after  time.Duration
			report func()
			status int
			state  string
		}{
			{0, func() {}, 400, "3"},
			{time.Second, auth.OK, 200, "0"},
			{14999 * time.Millisecond, func() {}, 200, "0"},
			{time.Millisecond, func() {}, 503, "2"},
			{time.Second, auth.OK, 400, "1"},
			{10 * time.Second, auth.OK, 200, "0"},
			{time.Second, func() { auth.Fail(errors.New("no")) }, 503, "2"},
		} {
			time.Sleep(step.after)
			step.report()
			status, _ := ask(a, http.MethodGet, "/readyz")
			_, metrics := ask(a, http.MethodGet, "/metrics")
			if status != step.status || !strings.Contains(metrics, "\nprocess_state "+step.state+"\n") {
				t.Errorf("at %s: readyz %d, want %d; process_state %s wanted", time.Now().Format("05.000"), status, step.status, step.state)
			}
			if got := collectedState(t, reader); got != step.state {
				t.Errorf("at %s: another reader says process_state %s, want %s", time.Now().Format("05.000"), got, step.state)
			}
		}
		if err := a.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

func collectedState(t *testing.T, reader sdkmetric.Reader) string {
	t.Helper()
	var data metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &data); err != nil {
		t.Fatal(err)
	}
	for _, scope := range data.ScopeMetrics {
		for _, m := range scope.Metrics {
			if m.Name == "process_state" {
				return string('0' + byte(m.Data.(metricdata.Gauge[float64]).DataPoints[0].Value))
			}
		}
	}
	return "nowhere"
}

func TestTwoAgents(t *testing.T) {
	one := startAgent(t, Config{DiagAddr: "127.0.0.1:0", Components: []string{"auth"}})
	two := startAgent(t, Config{DiagAddr: "127.0.0.1:0", Components: []string{"auth"}})
	one.Health().Component("auth").OK()
	instruments.UserLogins.In(one.Instruments()).Inc()

	if status, _ := fetch(t, one, "/readyz"); status != 200 {
		t.Errorf("the first agent: got %d, want 200", status)
	}
	if status, _ := fetch(t, two, "/readyz"); status != 400 {
		t.Errorf("the second agent: got %d, want 400", status)
	}
	if _, body := fetch(t, two, "/metrics"); !strings.Contains(body, "\nuser_login_total 0\n") {
		t.Error("the second agent counts what the first one recorded")
	}
}

func TestStartErrors(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	ended, cancel := context.WithCancel(context.Background())
	cancel()

	for _, row := range []struct {
		name   string
		ctx    context.Context
		config Config
		more   []Option
		want   []string // in the error
	}{
		{"context", ended, Config{}, nil, []string{"context canceled"}},
		{"address in use", nil, Config{DiagAddr: taken.Addr().String()}, nil, []string{taken.Addr().String(), "in use"}},
		{"address without a port", nil, Config{DiagAddr: "127.0.0.1"}, nil, []string{"127.0.0.1", "port"}},
		{"duplicate component", nil, Config{Components: []string{"auth", "auth"}}, nil, []string{"auth", "already declared"}},
		{"component watched twice", nil, Config{Components: []string{"auth"}, Watch: []Watch{{"auth", "tcp://127.0.0.1:1"}}}, nil, []string{"auth", "already declared"}},
		{"probe", nil, Config{Watch: []Watch{{"etcd", "ftp://127.0.0.1"}}}, nil, []string{"etcd", "ftp"}},
		{"all faults at once", nil, Config{
			DiagAddr: "127.0.0.1", Heartbeat: -1, SeriesLimit: 1,
			Components: []string{"auth", "auth", "a/b"}, Watch: []Watch{{"etcd", "nonsense"}},
		}, nil, []string{`diag-addr "127.0.0.1": `, "heartbeat", "series limit", `"auth": already declared`, `"a/b"`, "etcd"}},
		{"collector", nil, Config{OTLP: []exporters.Target{{URL: "http://127.0.0.1:1", CAFile: "/no/such/file"}}}, nil, []string{"127.0.0.1:1", "ca_file"}},
		{"the same collector twice", nil, Config{OTLP: []exporters.Target{{URL: "http://127.0.0.1:1"}, {URL: "http://127.0.0.1:1"}}}, nil, []string{"127.0.0.1:1", "once"}},
		{"environment", nil, Config{}, []Option{WithEnvironment(func(name string) string {
			return map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "nonsense"}[name]
		})}, []string{"OTEL_EXPORTER_OTLP_ENDPOINT", "nonsense"}},
		{"all faults of the environment", nil, Config{OTLP: []exporters.Target{{URL: "http://127.0.0.1:1"}, {URL: "http://127.0.0.1:2"}}},
			[]Option{WithEnvironment(func(name string) string {
				return map[string]string{"OTEL_SDK_DISABLED": "perhaps", "OTEL_EXPORTER_OTLP_TIMEOUT": "soon"}[name]
			})}, []string{"OTEL_SDK_DISABLED", "OTEL_EXPORTER_OTLP_TIMEOUT"}},
		{"environment and collectors", nil, Config{OTLP: []exporters.Target{{URL: "https://127.0.0.1:1"}, {URL: "https://127.0.0.1:2", KeyFile: "key"}}},
			[]Option{WithEnvironment(func(name string) string {
				return map[string]string{"OTEL_EXPORTER_OTLP_CERTIFICATE": "/no/such/ca", "OTEL_METRIC_EXPORT_INTERVAL": "soon"}[name]
			})}, []string{`OTEL_METRIC_EXPORT_INTERVAL "soon"`, `OTEL_EXPORTER_OTLP_CERTIFICATE "/no/such/ca"`, `push to https://127.0.0.1:2: cert_file`}},
		{"file and flags", nil, Config{ConfigFile: "no/such/file.yaml", Heartbeat: -1}, nil, []string{"no/such/file.yaml", "heartbeat"}},
		{"file and environment", nil, Config{ConfigFile: "no/such/file.yaml"}, []Option{WithEnvironment(func(name string) string {
			return map[string]string{"OTEL_METRIC_EXPORT_INTERVAL": "soon"}[name]
		})}, []string{"no/such/file.yaml", `OTEL_METRIC_EXPORT_INTERVAL "soon"`}},
		{"configuration file", nil, Config{ConfigFile: "no/such/file.yaml"}, nil, []string{"no/such/file.yaml"}},
		{"nothing to do", nil, Config{Components: []string{"auth"}}, []Option{Standalone()}, []string{"nothing to do", "--diag-addr"}},
		{"nothing to do but to push, which is disabled", nil, Config{OTLP: []exporters.Target{{URL: "http://127.0.0.1:1"}}},
			[]Option{Standalone(), WithEnvironment(func(name string) string {
				return map[string]string{"OTEL_SDK_DISABLED": "True"}[name]
			})}, []string{"nothing to do", "OTEL_SDK_DISABLED is true"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			ctx := row.ctx
			if ctx == nil {
				ctx = t.Context()
			}
			a, err := Start(ctx, row.config, quiet(row.more...)...)
			if err == nil {
				a.Shutdown(context.Background())
				t.Fatal("started")
			}
			for _, want := range row.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
			if strings.Contains(err.Error(), "\n\n") || strings.HasSuffix(err.Error(), "\n") {
				t.Errorf("%q has empty lines", err)
			}
		})
	}
}

// A start that fails at any of its steps leaves the address free and no
// goroutine; the leak check of this package sees to the latter.
func TestFailedStartLeavesNothing(t *testing.T) {
	errNotToday := errors.New("not today")
	for fails := 1; ; fails++ {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		addr := listener.Addr().String()
		listener.Close()

		steps := 0
		a, err := Start(t.Context(), Config{
			DiagAddr: addr,
			Watch:    []Watch{{"peer", "tcp://127.0.0.1:1"}},
			OTLP:     []exporters.Target{{URL: "http://127.0.0.1:1"}, {URL: "grpc://127.0.0.1:1"}},
		}, quiet(func(s *settings) {
			s.stepDone = func() error {
				if steps++; steps == fails {
					return errNotToday
				}
				return nil
			}
		})...)
		if err == nil {
			if fails != 5 {
				t.Errorf("start has %d steps that can fail, want 4", fails-1)
			}
			a.Shutdown(context.Background())
			return
		}
		if !errors.Is(err, errNotToday) {
			t.Fatalf("step %d: got %v, want %v", fails, err, errNotToday)
		}
		again, err := net.Listen("tcp", addr)
		if err != nil {
			t.Fatalf("step %d: the address is still taken: %v", fails, err)
		}
		again.Close()
	}
}

// Probes are answered as soon as the address is bound, before anything that may
// take time, and then say that nothing has been reported; metrics ask for patience.
func TestProbesAreAnsweredDuringTheStart(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := listener.Addr().String()
	listener.Close()

	type answer struct {
		status int
		retry  string
	}
	answers := func() map[string]answer {
		all := make(map[string]answer)
		for _, path := range []string{"/healthz", "/readyz", "/readyz/auth", "/metrics"} {
			client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
			if response, err := client.Get("http://" + addr + path); err == nil {
				response.Body.Close()
				all[path] = answer{response.StatusCode, response.Header.Get("Retry-After")}
			}
		}
		return all
	}
	var seen []map[string]answer
	startAgent(t, Config{DiagAddr: addr, Components: []string{"auth"}}, func(s *settings) {
		s.stepDone = func() error {
			seen = append(seen, answers())
			return nil
		}
	})
	early := map[string]answer{"/healthz": {200, ""}, "/readyz": {400, ""}, "/readyz/auth": {400, ""}, "/metrics": {503, "1"}}
	late := maps.Clone(early)
	late["/metrics"] = answer{200, ""}
	if want := []map[string]answer{{}, early, late, late}; !reflect.DeepEqual(seen, want) {
		t.Errorf("answers after each step: got %v, want %v", seen, want)
	}
}

// A start that fails says so in its error and not in the log.
func TestFailedStartLogsNothing(t *testing.T) {
	var log bytes.Buffer
	_, err := Start(t.Context(), Config{Components: []string{"auth"}}, quiet(
		WithLogger(slog.New(slog.NewTextHandler(&log, nil))),
		func(s *settings) { s.stepDone = func() error { return errors.New("not today") } })...)
	if err == nil || log.Len() > 0 {
		t.Errorf("got error %v and the log %s", err, &log)
	}
}

func TestShutdownAgain(t *testing.T) {
	a, err := Start(t.Context(), Config{DiagAddr: "127.0.0.1:0", Components: []string{"auth"}}, quiet()...)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if err := a.Shutdown(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if err := a.Shutdown(context.Background()); err != nil {
		t.Errorf("once more: %v", err)
	}

	// Late calls do nothing and hurt nobody.
	instruments.UserLogins.In(a.Instruments()).Inc()
	instruments.EtcdReadSeconds.In(a.Instruments()).Record(1)
	a.Health().Component("auth").OK()
	a.Health().Component("late").Fail(nil)
	if _, err := a.MeterProvider().Meter("late").Int64Counter("late"); err != nil {
		t.Errorf("an instrument after shutdown: %v", err)
	}
	if status, _ := ask(a, http.MethodGet, "/metrics"); status != 503 {
		t.Errorf("a scrape after shutdown: got %d, want 503", status)
	}
	if status, _ := ask(a, http.MethodGet, "/readyz"); status != 503 {
		t.Errorf("readiness after shutdown: got %d, want 503", status)
	}
	if state := a.Health().State(); state != health.StateDegraded {
		t.Errorf("state after shutdown: got %s, want degraded", state)
	}
}

func TestStartStop1000Times(t *testing.T) {
	cycles := 1000
	if testing.Short() {
		cycles = 50
	}
	cycle := func() {
		a, err := Start(context.Background(), Config{
			DiagAddr:   "127.0.0.1:0",
			Components: []string{"auth"},
			Watch:      []Watch{{"self", "tcp://127.0.0.1:1"}},
			OTLP:       []exporters.Target{{URL: "http://127.0.0.1:1"}},
		}, quiet()...)
		if err != nil {
			t.Fatal(err)
		}
		// The collector is not there: the last push says so.
		if err := a.Shutdown(context.Background()); err == nil {
			t.Fatal("a push to a closed port succeeded")
		}
	}
	cycle()
	goroutines, files := runtime.NumGoroutine(), openFiles(t)
	for range cycles {
		cycle()
	}
	settled := func() bool { return runtime.NumGoroutine() <= goroutines && openFiles(t) <= files }
	for deadline := time.Now().Add(10 * time.Second); !settled(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("after %d cycles: %d goroutines and %d open files, %d and %d before",
				cycles, runtime.NumGoroutine(), openFiles(t), goroutines, files)
		}
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("no /proc here")
	}
	return len(entries)
}
