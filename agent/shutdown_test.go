package agent

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"google.golang.org/grpc"
	grpchealth "google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/telltale-agent/telltale/exporters"
	"github.com/telltale-agent/telltale/health"
)

// Readiness falls first, the last push is made while the listener still
// answers, and the listener goes last.
func TestShutdownOrder(t *testing.T) {
	var a *Agent
	var mu sync.Mutex
	var seen []int // readiness at each push
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, _ := fetch(t, a, "/readyz")
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, status)
	}))
	defer collector.Close()

	a, err := Start(t.Context(), Config{
		DiagAddr:   "127.0.0.1:0",
		Components: []string{"auth"},
		OTLP:       []exporters.Target{{URL: collector.URL, Interval: time.Hour}},
	}, quiet()...)
	if err != nil {
		t.Fatal(err)
	}
	a.Health().Component("auth").OK()
	if status, body := fetch(t, a, "/readyz"); status != 200 {
		t.Fatalf("before: got %d %s, want 200", status, body)
	}
	addr := a.Addr()
	if err := a.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(seen, []int{503}) {
		t.Errorf("readiness during the last pushes: got %v, want one push at 503", seen)
	}
	if conn, err := net.Dial("tcp", addr); err == nil {
		conn.Close()
		t.Error("the listener is still there")
	}
}

// Collectors that accept and never answer do not hold the process beyond the
// time that the configuration gives.
func TestShutdownIsBounded(t *testing.T) {
	hole, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer hole.Close()

	a, err := Start(t.Context(), Config{
		DiagAddr:        "127.0.0.1:0",
		ShutdownTimeout: 500 * time.Millisecond,
		OTLP: []exporters.Target{
			{URL: "http://" + hole.Addr().String()},
			{URL: "grpc://" + hole.Addr().String()},
		},
	}, quiet()...)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- a.Shutdown(context.Background()) }()
	select {
	case err := <-done:
		if err == nil {
			t.Error("pushes that nobody answered succeeded")
		}
	case <-time.After(10 * time.Second): // the SDK alone takes 30
		t.Fatal("shutdown does not end")
	}
}

// An embedder's callback that hangs does not hold the process either.
func TestShutdownWithHangingCallback(t *testing.T) {
	a, err := Start(t.Context(), Config{
		ShutdownTimeout: 500 * time.Millisecond,
		OTLP:            []exporters.Target{{URL: "http://127.0.0.1:1"}},
	}, quiet()...)
	if err != nil {
		t.Fatal(err)
	}
	release := make(chan struct{})
	defer close(release)
	hang(t, a, release)

	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = a.Shutdown(context.Background()) // the collector is not there
	}()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("shutdown waits for a callback")
	}
}

// A collection that does not end, and with it the SDK's lock, is left behind.
func TestShutdownDuringCollectionThatHangs(t *testing.T) {
	reader := sdkmetric.NewManualReader()
	a, err := Start(t.Context(), Config{ShutdownTimeout: 200 * time.Millisecond}, quiet(WithReader(reader))...)
	if err != nil {
		t.Fatal(err)
	}
	collecting, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	_, err = a.pipeline.provider.Meter("unguarded").Int64ObservableGauge("held",
		metric.WithInt64Callback(func(context.Context, metric.Int64Observer) error {
			once.Do(func() { close(collecting) })
			<-release
			return nil
		}))
	if err != nil {
		t.Fatal(err)
	}
	collected := make(chan struct{})
	go func() {
		defer close(collected)
		_ = reader.Collect(context.Background(), &metricdata.ResourceMetrics{})
	}()
	<-collecting

	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = a.Shutdown(context.Background())
	}()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Error("shutdown waits for a collection")
	}
	close(release)
	<-collected
	<-done
}

// The embedder's own loops end, and so do connections that checks keep: the leak
// check of this package sees to the latter.
func TestShutdownEndsLoopsAndChecks(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	peer := grpc.NewServer()
	grpc_health_v1.RegisterHealthServer(peer, grpchealth.NewServer())
	go peer.Serve(listener)
	defer peer.Stop()

	a, err := Start(t.Context(), Config{
		Components: []string{"auth"},
		Watch:      []Watch{{"peer", "grpc://" + listener.Addr().String()}},
	}, quiet()...)
	if err != nil {
		t.Fatal(err)
	}
	loop := make(chan error, 1)
	go func() {
		loop <- a.Health().Component("auth").Run(context.Background(), func(context.Context) error { return nil })
	}()
	for deadline := time.Now().Add(10 * time.Second); a.Health().State() != health.StateOK; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("got %s", a.Health().Snapshot().Status())
		}
	}
	if err := a.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	select {
	case err := <-loop:
		if !errors.Is(err, health.ErrClosed) {
			t.Errorf("the loop ended with %v, want %v", err, health.ErrClosed)
		}
	case <-time.After(10 * time.Second):
		t.Error("the loop goes on")
	}
}

func TestShutdownUnderEndedContext(t *testing.T) {
	a, err := Start(t.Context(), Config{DiagAddr: "127.0.0.1:0", OTLP: []exporters.Target{{URL: "http://127.0.0.1:1"}}}, quiet()...)
	if err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if err := a.Shutdown(ended); err == nil {
		t.Error("a shutdown without any time pushed everything")
	}
	if conn, err := net.Dial("tcp", a.Addr()); err == nil {
		conn.Close()
		t.Error("the listener is still there")
	}
}

func TestStartAndStopAreLogged(t *testing.T) {
	var log bytes.Buffer
	a, err := Start(t.Context(), Config{DiagAddr: "127.0.0.1:0", OTLP: []exporters.Target{{
		URL:     "http://127.0.0.1:1/v1/metrics",
		Headers: map[string]string{"authorization": "Bearer s3cret"},
	}}}, append(quiet(), WithLogger(slog.New(slog.NewTextHandler(&log, nil))))...)
	if err != nil {
		t.Fatal(err)
	}
	addr := a.Addr()
	_ = a.Shutdown(context.Background()) // the collector is not there
	for _, want := range []string{
		`msg="telltale started"`, "addr=" + addr, "push=http://127.0.0.1:1", `msg="telltale stopped"`,
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log does not say %s:\n%s", want, log.String())
		}
	}
	if strings.Contains(log.String(), "s3cret") {
		t.Errorf("the log tells a secret:\n%s", log.String())
	}
}
