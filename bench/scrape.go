package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"

	vmmetrics "github.com/VictoriaMetrics/metrics"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/otlptranslator"
	"go.opentelemetry.io/otel/attribute"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/exemplar"

	"github.com/telltale-agent/telltale/exporters"
	"github.com/telltale-agent/telltale/instruments"
)

// scrapeRows compares scrapes of one counter with that many label sets. Ours
// show every documented metric besides, about 600 lines.
func scrapeRows(e effort) ([]row, error) {
	var rows []row
	for _, series := range e.series {
		ours, err := ourHandler(series)
		if err != nil {
			return nil, err
		}
		sdk, err := sdkHandler(series)
		if err != nil {
			return nil, err
		}
		peers := []struct {
			name    string
			handler http.Handler
		}{
			{"client_golang promhttp", promHandler(series)},
			{"SDK + exporter", sdk},
			{"VictoriaMetrics/metrics", victoriaHandler(series)},
		}
		for _, peer := range peers {
			p := pair{
				what: fmt.Sprintf("scrape of %d series", series), goroutines: 1,
				ours: scrapes("ours", ours), peer: scrapes(peer.name, peer.handler),
			}
			var found samples
			p.measure(e.each, e.rounds, &found)
			r := p.row(found)
			if peer.name == "client_golang promhttp" {
				r.bound = "≤ 1 is the aim"
			}
			rows = append(rows, r)
		}
	}
	return rows, nil
}

// scrapes is a subject whose operation is one scrape. A scrape that fails is a
// fault of this program.
func scrapes(name string, h http.Handler) subject {
	return subject{name, func(n int) {
		r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
		for range n {
			w := &discard{header: http.Header{}}
			if h.ServeHTTP(w, r); w.status != 0 && w.status != http.StatusOK {
				panic(fmt.Sprintf("scrape of %s: status %d", name, w.status))
			}
		}
	}}
}

// discard is a http.ResponseWriter that keeps nothing but the status.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(status int)      { d.status = status }

func requestOf(i int) request { return request{methods[i&1], "/items/" + strconv.Itoa(i)} }

func ourHandler(series int) (http.Handler, error) {
	logger := slog.New(slog.DiscardHandler)
	exporter, err := exporters.NewPrometheus(exporters.PrometheusOptions{Logger: logger})
	if err != nil {
		return nil, err
	}
	limit := series + 10
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(exporter.Reader()),
		sdkmetric.WithExemplarFilter(exemplar.AlwaysOffFilter), sdkmetric.WithCardinalityLimit(limit))
	registry, err := instruments.New(provider, instruments.WithSeriesLimit(limit), instruments.WithLogger(logger))
	if err != nil {
		return nil, err
	}
	exporter.Attach(registry)
	counters := labelledCounter.In(registry)
	for i := range series {
		counters.Add(1, requestOf(i))
	}
	return exporter.Handler(), nil
}

func promHandler(series int) http.Handler {
	registry := prometheus.NewRegistry()
	counters := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "bench_requests_total", Help: "Requests."}, labels)
	registry.MustRegister(counters)
	for i := range series {
		r := requestOf(i)
		counters.WithLabelValues(r.Method, r.Path).Inc()
	}
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
}

func sdkHandler(series int) (http.Handler, error) {
	registry := prometheus.NewRegistry()
	exporter, err := otelprometheus.New(
		otelprometheus.WithRegisterer(registry),
		otelprometheus.WithTranslationStrategy(otlptranslator.UnderscoreEscapingWithoutSuffixes),
		otelprometheus.WithoutScopeInfo(), otelprometheus.WithoutTargetInfo(),
	)
	if err != nil {
		return nil, err
	}
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(exporter),
		sdkmetric.WithExemplarFilter(exemplar.AlwaysOffFilter), sdkmetric.WithCardinalityLimit(series+10))
	counter, err := provider.Meter("bench").Float64Counter("bench_requests_total", metric.WithDescription("Requests."))
	if err != nil {
		return nil, err
	}
	for i := range series {
		r := requestOf(i)
		counter.Add(context.Background(), 1, metric.WithAttributes(attribute.String("method", r.Method), attribute.String("path", r.Path)))
	}
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{}), nil
}

func victoriaHandler(series int) http.Handler {
	set := vmmetrics.NewSet()
	for i := range series {
		r := requestOf(i)
		set.NewCounter(fmt.Sprintf("bench_requests_total{method=%q,path=%q}", r.Method, r.Path)).Inc()
	}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { set.WritePrometheus(w) })
}
