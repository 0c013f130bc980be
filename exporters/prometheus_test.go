package exporters

import (
	"context"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"

	"github.com/telltale-agent/telltale/instruments"
)

var updateGolden = flag.Bool("update", false, "rewrite the golden files")

func checkGolden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *updateGolden {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("differs from %s; got\n%s", path, got)
	}
}

// ofTest are the metrics that the golden scrapes show.
func ofTest() string {
	query := "/metrics?name[]=promhttp_metric_handler_requests_total&name[]=promhttp_metric_handler_requests_in_flight"
	for d := range instruments.All() {
		if d.Component == scraped || strings.HasPrefix(d.Name, "telltale_scrape") {
			query += "&name[]=" + d.Name
		}
	}
	return query
}

func TestGoldenFirstScrape(t *testing.T) {
	b := newBridge(t, PrometheusOptions{})
	w := b.get(ofTest())
	if w.Code != http.StatusOK {
		t.Fatalf("got %d", w.Code)
	}
	checkGolden(t, "scrape_first.txt", w.Body.String())
	b.scrape(t)
}

func TestGoldenScopeAndTargetInfo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // stands still, so that no duration is recorded but 0
		p, err := NewPrometheus(PrometheusOptions{ScopeInfo: true, TargetInfo: true})
		if err != nil {
			t.Fatal(err)
		}
		res := resource.NewSchemaless(attribute.String("service.name", "gate"), attribute.String("host.name", "h1"))
		provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(p.Reader()), sdkmetric.WithResource(res))
		registry, err := instruments.New(provider)
		if err != nil {
			t.Fatal(err)
		}
		p.Attach(registry)
		defer p.Stop()
		scrapedHistogramBy.In(registry).Record(7, scrapedLabels{"put", "b"})
		scrapedHistogramBy.In(registry).Record(7, scrapedLabels{"new", "b"})
		counter, err := registry.MeterProvider().Meter("embedder", metric.WithInstrumentationVersion("1.2.3")).Int64Counter("embedded.calls")
		if err != nil {
			t.Fatal(err)
		}
		counter.Add(context.Background(), 3)
		w := do(p.Handler(), http.MethodGet, ofTest()+"&name[]=target_info&name[]=embedded_calls")
		checkGolden(t, "scrape_scope.txt", w.Body.String())
		parseScrape(t, w.Body.String())
	})
}

func TestSummaryIsTrue(t *testing.T) {
	summary := instruments.GoGCPauses
	b := newBridge(t, PrometheusOptions{})
	if _, ok := b.scrape(t)[summary.Declaration().Name]; ok {
		t.Error("a summary without a source is shown")
	}
	stop := summary.Observe(b.registry, func() instruments.SummaryPoint {
		return instruments.SummaryPoint{Count: 4, Sum: 2.5, Quantiles: []instruments.Quantile{{Quantile: 0, Value: 0.5}, {Quantile: 1, Value: 1.5}}}
	})
	name := summary.Declaration().Name
	want := "# TYPE " + name + " summary\n" + name + "{quantile=\"0\"} 0.5\n" + name + "{quantile=\"1\"} 1.5\n" + name + "_sum 2.5\n" + name + "_count 4\n"
	if got := b.get("/metrics?name[]=" + name).Body.String(); !strings.HasSuffix(got, want) {
		t.Errorf("got\n%s, want at the end\n%s", got, want)
	}
	stop()
}

func TestNotServing(t *testing.T) {
	newProvider := func(p *Prometheus) (*sdkmetric.MeterProvider, *instruments.Registry) {
		provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(p.Reader()))
		registry, err := instruments.New(provider)
		if err != nil {
			t.Fatal(err)
		}
		return provider, registry
	}
	for _, row := range []struct {
		name string
		set  func(*Prometheus)
		want string
	}{
		{"before a registry is attached", func(*Prometheus) {}, "metrics are not served yet: the agent is starting\n"},
		{"after stop", func(p *Prometheus) {
			_, registry := newProvider(p)
			p.Attach(registry)
			p.Stop()
			p.Stop()
		}, "metrics are no longer served: the agent has stopped\n"},
		{"stopped before a registry is attached", func(p *Prometheus) { p.Stop() }, "metrics are not served yet: the agent is starting\n"},
		{"after the provider's shutdown", func(p *Prometheus) {
			provider, registry := newProvider(p)
			p.Attach(registry)
			_ = provider.Shutdown(context.Background())
		}, "metrics are not served: no meter provider collects them\n"},
		{"reader without a provider", func(p *Prometheus) {
			other, err := NewPrometheus(PrometheusOptions{})
			if err != nil {
				t.Fatal(err)
			}
			_, registry := newProvider(other)
			p.Attach(registry)
		}, "metrics are not served: no meter provider collects them\n"},
		{"nil registry", func(p *Prometheus) { p.Attach(nil) }, "metrics are not served yet: the agent is starting\n"},
	} {
		t.Run(row.name, func(t *testing.T) {
			p, err := NewPrometheus(PrometheusOptions{})
			if err != nil {
				t.Fatal(err)
			}
			row.set(p)
			w := do(p.Handler(), http.MethodGet, "/metrics")
			if w.Code != http.StatusServiceUnavailable || w.Body.String() != row.want {
				t.Errorf("got %d %q, want 503 %q", w.Code, w.Body, row.want)
			}
		})
	}
}

func TestStopReleasesScrapes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBridge(t, PrometheusOptions{})
		release := make(chan struct{})
		defer b.registry.Observe("slow", func(ctx context.Context, _ *instruments.Observation) { <-release })()
		codes := make(chan int, 2)
		for range 2 {
			go func() { codes <- b.get("/metrics").Code }()
			synctest.Wait()
		}
		begin := time.Now()
		b.Stop() // the source is left behind after a second, and so is the collection
		if took := time.Since(begin); took > stopPatience {
			t.Errorf("Stop took %v", took)
		}
		for range 2 {
			if code := <-codes; code != http.StatusServiceUnavailable {
				t.Errorf("got %d, want 503", code)
			}
		}
		close(release)
	})
}

// TestAttachWhileScraping is for the race detector: the listener is up before
// the registry is.
func TestAttachWhileScraping(t *testing.T) {
	p, err := NewPrometheus(PrometheusOptions{})
	if err != nil {
		t.Fatal(err)
	}
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(p.Reader()))
	registry, err := instruments.New(provider)
	if err != nil {
		t.Fatal(err)
	}
	var scrapers sync.WaitGroup
	for range 3 {
		scrapers.Go(func() {
			for code := 0; code != http.StatusOK; {
				w := do(p.Handler(), http.MethodGet, "/metrics")
				if code = w.Code; code != http.StatusOK && code != http.StatusServiceUnavailable {
					t.Errorf("got %d", code)
				}
			}
		})
	}
	p.Attach(registry)
	p.Attach(nil)
	scrapers.Wait()

	for range 3 {
		scrapers.Go(func() {
			for code := 0; code != http.StatusServiceUnavailable; {
				w := do(p.Handler(), http.MethodGet, "/metrics")
				if code = w.Code; code == http.StatusOK {
					parseScrape(t, w.Body.String()).checkDeclared(t) // never an empty 200
				}
			}
		})
	}
	p.Stop()
	_ = provider.Shutdown(context.Background())
	scrapers.Wait()
}
