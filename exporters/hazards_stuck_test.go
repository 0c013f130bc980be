package exporters

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/metric"

	"github.com/telltale-agent/telltale/instruments"
)

// TestHangingCallback hangs a callback of each sort: the first scrape is on
// time with the rest, the following ones do not wait at all.
func TestHangingCallback(t *testing.T) {
	for _, row := range []struct {
		name string
		hang func(b *bridge, release <-chan struct{})
	}{
		{"source", func(b *bridge, release <-chan struct{}) {
			b.registry.Observe("hangs", func(context.Context, *instruments.Observation) { <-release })
		}},
		{"twenty sources", func(b *bridge, release <-chan struct{}) {
			for range 20 {
				b.registry.Observe("hangs", func(context.Context, *instruments.Observation) { <-release })
			}
		}},
		{"summary", func(b *bridge, release <-chan struct{}) {
			instruments.GoGCPauses.Observe(b.registry, func() (point instruments.SummaryPoint) { <-release; return })
		}},
		{"callback of an embedder", func(b *bridge, release <-chan struct{}) {
			_ = noErr(b.foreign().Float64ObservableGauge("hangs", metric.WithFloat64Callback(
				func(context.Context, metric.Float64Observer) error { <-release; return nil })))
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBridge(t, PrometheusOptions{})
				b.scrape(t)
				release := make(chan struct{})
				row.hang(b, release)
				for round := range 3 {
					begin := time.Now()
					w := b.get("/metrics", timeoutHeader, "2")
					if w.Code != http.StatusOK {
						t.Fatalf("scrape %d: got %d %s", round, w.Code, w.Body)
					}
					parseScrape(t, w.Body.String()).checkDeclared(t)
					took := time.Since(begin)
					if took > 1900*time.Millisecond || round > 0 && took > 0 {
						t.Errorf("scrape %d took %v", round, took)
					}
				}
				close(release)
				synctest.Wait()
				b.scrape(t)
			})
		})
	}
}

// TestManyHangingCallbacks hangs far more callbacks than there is time to wait
// for, as when all of a library's wait for one lock. The rest is scraped and
// pushed all the same, the first time already. Time is real here: it is what
// collecting and sending themselves need that the callbacks must leave.
func TestManyHangingCallbacks(t *testing.T) {
	const limit = 2 * time.Second
	hang := func(t *testing.T, reg *instruments.Registry) {
		release := make(chan struct{})
		t.Cleanup(func() { close(release) })
		for i := range 40 {
			_ = noErr(reg.MeterProvider().Meter("locked").Int64ObservableGauge(fmt.Sprint("hangs_", i), metric.WithInt64Callback(
				func(context.Context, metric.Int64Observer) error { <-release; return nil })))
		}
	}
	t.Run("scrape", func(t *testing.T) {
		t.Parallel()
		b := newBridge(t, PrometheusOptions{})
		hang(t, b.registry)
		w := b.get("/metrics", timeoutHeader, fmt.Sprint(limit.Seconds()))
		if w.Code != http.StatusOK {
			t.Fatalf("got %d %s", w.Code, w.Body)
		}
		parseScrape(t, w.Body.String()).checkDeclared(t)
	})
	bothProtocols(t, func(t *testing.T, protocol string) {
		t.Parallel()
		collector := startReceiver(t, protocol, nil)
		a := newAgent(t, Target{URL: collector.url(), Timeout: limit, ExportTimeout: limit})
		hang(t, a.reg)
		if err := a.pushes[0].ForceFlush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if collector.last(t).find(scrapedCounter.Declaration().Name) == nil {
			t.Error("a declared metric was not delivered")
		}
	})
}

// TestHangHoldsUpNothingElse hangs an embedder's callback while others record and
// create instruments: all of them go on. The locks are the SDK's, so that time is
// real here.
func TestHangHoldsUpNothingElse(t *testing.T) {
	b := newBridge(t, PrometheusOptions{})
	entered, release := make(chan struct{}), make(chan struct{})
	defer close(release)
	must(b.foreign().Int64ObservableGauge("hangs", metric.WithInt64Callback(func(context.Context, metric.Int64Observer) error {
		close(entered)
		<-release
		return nil
	})))(t)
	early := noErr(b.foreign().Int64Counter("early.counter"))
	scraped := make(chan struct{})
	go func() {
		defer close(scraped)
		b.get("/metrics", timeoutHeader, "0.5")
	}()
	<-entered
	early.Add(context.Background(), 1)
	scrapedCounter.In(b.registry).Inc()
	noErr(b.foreign().Int64Counter("late.counter")).Add(context.Background(), 1) // waits until the callback is left behind
	b.registry.Observe("late", func(context.Context, *instruments.Observation) {})
	<-scraped
	got := b.scrape(t)
	for _, name := range []string{"early_counter", "scrapetest_events", "late_counter"} {
		if v := got.value(t, name); v != 1 {
			t.Errorf("%s is %v, want 1", name, v)
		}
	}
}

// TestStuckCollection is about a collection that no guard can end: it costs the
// scrapes, but no more than their own time, and no goroutine for each of them.
func TestStuckCollection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBridge(t, PrometheusOptions{})
		release := make(chan struct{})
		stuck := true
		if err := b.collector.registry.Register(collectorFunc(func(chan<- prometheus.Metric) {
			if stuck {
				<-release
			}
		})); err != nil {
			t.Fatal(err)
		}
		before := runtime.NumGoroutine()
		for n := range 50 {
			begin := time.Now()
			w := b.get("/metrics", timeoutHeader, "1")
			if w.Code != http.StatusServiceUnavailable || w.Body.String() != errTooLate.Error()+"\n" {
				t.Errorf("got %d %q", w.Code, w.Body)
			}
			if took := time.Since(begin); took != 900*time.Millisecond {
				t.Errorf("scrape %d took %v, want 900ms", n, took)
			}
		}
		synctest.Wait()
		if grown := runtime.NumGoroutine() - before; grown > 5 {
			t.Errorf("%d more goroutines", grown)
		}
		gone, cancel := context.WithCancel(context.Background())
		cancel()
		r, _ := http.NewRequestWithContext(gone, http.MethodGet, "/metrics", nil)
		begin := time.Now()
		b.Handler().ServeHTTP(discardResponse{http.Header{}}, r)
		if took := time.Since(begin); took != 0 {
			t.Errorf("a scraper that has gone held the handler for %v", took)
		}
		stuck = false
		close(release)
		synctest.Wait()
		got := b.scrape(t)
		if n := got.value(t, "promhttp_metric_handler_requests_total", "code", "503"); n != 51 {
			t.Errorf("%v answers with 503 were counted, want 51", n)
		}
		if begins, ends := b.log.count("scrapes end by their deadline"), b.log.count("scrapes end in time again"); begins != 1 || ends != 1 {
			t.Errorf("the log tells of the begin %d times, of the end %d times:\n%s", begins, ends, b.log)
		}
	})
}

// TestCollectorThatPanics is about a panic that takes the whole collection along.
func TestCollectorThatPanics(t *testing.T) {
	b := newBridge(t, PrometheusOptions{})
	bad := true
	if err := b.collector.registry.Register(collectorFunc(func(chan<- prometheus.Metric) {
		if bad {
			panic("planted secret")
		}
	})); err != nil {
		t.Fatal(err)
	}
	for range 3 { // the other collectors are still there
		b.scrape(t)
	}
	if got := b.scrape(t).dropped(t, instruments.LossOther); got != 3*2 {
		t.Errorf("counted %v, want 6: client_golang reports a panic twice", got)
	}
	bad = false
	b.scrape(t)
	if begins, ends := b.log.count("scrape leaves series out"), b.log.count("scrape shows all series again"); begins != 1 || ends != 1 {
		t.Errorf("the log tells of the begin %d times, of the end %d times:\n%s", begins, ends, b.log)
	}
}

func TestEverythingFails(t *testing.T) {
	b := newBridge(t, PrometheusOptions{})
	failing := true
	good := b.collector.registry
	b.collector.registry = prometheus.NewRegistry()
	b.collector.registry.MustRegister(collectorFunc(func(metrics chan<- prometheus.Metric) {
		if failing {
			panic("planted secret")
		}
		_ = good
	}))
	for range 3 {
		w := b.get("/metrics", "Accept-Encoding", "gzip")
		if w.Code != http.StatusInternalServerError || w.Body.String() != "metrics could not be collected\n" || w.Header().Get("Content-Encoding") != "" {
			t.Errorf("got %d %q %v", w.Code, w.Body, w.Header())
		}
	}
	b.collector.registry = good
	if n := b.scrape(t).value(t, "promhttp_metric_handler_requests_total", "code", "500"); n != 3 {
		t.Errorf("%v answers with 500 were counted, want 3", n)
	}
	if begins, ends := b.log.count("metrics cannot be collected"), b.log.count("metrics can be collected again"); begins != 1 || ends != 1 {
		t.Errorf("the log tells of the begin %d times, of the end %d times:\n%s", begins, ends, b.log)
	}
}

// TestRegistryThatPanics panics outside of what client_golang recovers.
func TestRegistryThatPanics(t *testing.T) {
	b := newBridge(t, PrometheusOptions{})
	good := b.collector.registry
	b.collector.registry = nil
	if w := b.get("/metrics"); w.Code != http.StatusInternalServerError || w.Body.String() != "metrics could not be collected\n" {
		t.Errorf("got %d %q", w.Code, w.Body)
	}
	b.collector.registry = good
	b.scrape(t)
}

type collectorFunc func(chan<- prometheus.Metric)

func (f collectorFunc) Describe(chan<- *prometheus.Desc)         {}
func (f collectorFunc) Collect(metrics chan<- prometheus.Metric) { f(metrics) }

type discardResponse struct{ header http.Header }

func (d discardResponse) Header() http.Header         { return d.header }
func (d discardResponse) Write(p []byte) (int, error) { return io.Discard.Write(p) }
func (d discardResponse) WriteHeader(int)             {}
