package main

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/exemplar"

	"github.com/telltale-agent/telltale/instruments"
)

var methods, paths = []string{"GET", "PUT"}, []string{"/a", "/b", "/users/{id}", "/login"}

// newProvider gives a provider set up as the agent does it, with one reader.
func newProvider(limit int) *sdkmetric.MeterProvider {
	return sdkmetric.NewMeterProvider(
		sdkmetric.WithReader(sdkmetric.NewManualReader()),
		sdkmetric.WithExemplarFilter(exemplar.AlwaysOffFilter),
		sdkmetric.WithCardinalityLimit(limit),
	)
}

// incarnations is how often everything is made anew. Where in memory a cell
// comes to lie, and what shares its cache line, is luck that lasts as long as it
// does, and makes half of the difference between two goroutines' times.
const incarnations = 5

func recordRows(e effort) ([]row, error) {
	var pairs []pair
	var found []samples
	for range incarnations {
		var err error
		if pairs, err = recordPairs(); err != nil {
			return nil, err
		}
		if found == nil {
			found = make([]samples, len(pairs))
		}
		for i, p := range pairs {
			p.measure(e.each, max(1, e.rounds/incarnations), &found[i])
		}
	}
	var rows []row
	for i, p := range pairs {
		rows = append(rows, p.row(found[i]))
	}
	return rows, nil
}

// recordPairs makes every pair anew, for one goroutine and for two.
func recordPairs() ([]pair, error) {
	single, err := comparePairs()
	if err != nil {
		return nil, err
	}
	var pairs []pair
	for _, p := range single {
		what := p.what
		for _, p.goroutines = range []int{1, 2} {
			p.what = fmt.Sprintf("%s, %d goroutine(s)", what, p.goroutines)
			pairs = append(pairs, p)
		}
	}
	return pairs, nil
}

func comparePairs() ([]pair, error) {
	registry, err := instruments.New(newProvider(2000))
	if err != nil {
		return nil, err
	}
	meter := newProvider(2000).Meter("bench")
	sdkCounter, err := meter.Float64Counter("bench_events_total")
	if err != nil {
		return nil, err
	}
	sdkHistogram, err := meter.Float64Histogram("bench_duration_seconds", metric.WithExplicitBucketBoundaries(bounds...))
	if err != nil {
		return nil, err
	}
	counters := ourCounters(registry)
	histograms := ourHistograms(registry)
	promCounter, promCounters, promHistogram, promHistograms := promSubjects()
	return []pair{
		{what: "counter Inc, resolved", ours: counters.inc, peer: atomicAdd(), atMost: 1.2, free: true},
		{what: "counter Add(v), resolved", ours: counters.add, peer: atomicAdd(), atMost: 1.2, free: true},
		{what: "counter Inc, resolved", ours: counters.inc, peer: promCounter},
		{what: "counter Inc, resolved", ours: counters.inc, peer: sdkAdd(sdkCounter)},
		{what: "counter, two labels at the call", ours: counters.labelled, peer: promCounters, atMost: 1, free: true},
		{what: "counter, two labels at the call", ours: counters.labelled, peer: sdkAddLabelled(sdkCounter)},
		{what: "histogram (16 bounds), resolved", ours: histograms.plain, peer: sdkRecord(sdkHistogram), atMost: 1, free: true},
		{what: "histogram (16 bounds), resolved", ours: histograms.plain, peer: promHistogram},
		{what: "histogram (16 bounds), two labels resolved", ours: histograms.resolved, peer: sdkRecordResolved(sdkHistogram), atMost: 1, free: true},
		{what: "histogram (16 bounds), two labels at the call", ours: histograms.labelled, peer: promHistograms},
	}, nil
}

func atomicAdd() subject {
	cell := new(struct {
		_ [64]byte
		n atomic.Uint64
		_ [64]byte
	})
	return subject{"atomic add", func(n int) {
		for range n {
			cell.n.Add(1)
		}
	}}
}

type counterSubjects struct{ inc, add, labelled subject }

func ourCounters(r *instruments.Registry) counterSubjects {
	plain, labelled := plainCounter.In(r), labelledCounter.In(r)
	return counterSubjects{
		inc: subject{"ours", func(n int) {
			for range n {
				plain.Inc()
			}
		}},
		add: subject{"ours", func(n int) {
			v := 1.0
			for range n {
				plain.Add(v)
			}
		}},
		labelled: subject{"ours", func(n int) {
			for i := range n {
				labelled.Add(1, request{methods[i&1], paths[i&3]})
			}
		}},
	}
}

type histogramSubjects struct{ plain, resolved, labelled subject }

func ourHistograms(r *instruments.Registry) histogramSubjects {
	plain, labelled := plainHistogram.In(r), labelledHistogram.In(r)
	resolved := labelled.At(request{"GET", "/a"})
	return histogramSubjects{
		plain: subject{"ours", func(n int) {
			for i := range n {
				plain.Record(spread(i))
			}
		}},
		resolved: subject{"ours", func(n int) {
			for i := range n {
				resolved.Record(spread(i))
			}
		}},
		labelled: subject{"ours", func(n int) {
			for i := range n {
				labelled.Record(spread(i), request{methods[i&1], paths[i&3]})
			}
		}},
	}
}

// spread gives values all over the buckets.
func spread(i int) float64 { return float64(i&127) * 0.01 }

func sdkAdd(c metric.Float64Counter) subject {
	return subject{"SDK Add", func(n int) {
		for range n {
			c.Add(context.Background(), 1)
		}
	}}
}

func sdkAddLabelled(c metric.Float64Counter) subject {
	return subject{"SDK WithAttributes", func(n int) {
		for i := range n {
			c.Add(context.Background(), 1, metric.WithAttributes(
				attribute.String("method", methods[i&1]), attribute.String("path", paths[i&3])))
		}
	}}
}

func sdkRecord(h metric.Float64Histogram) subject {
	return subject{"SDK Record", func(n int) {
		for i := range n {
			h.Record(context.Background(), spread(i))
		}
	}}
}

func sdkRecordResolved(h metric.Float64Histogram) subject {
	options := []metric.RecordOption{metric.WithAttributeSet(attribute.NewSet(
		attribute.String("method", "GET"), attribute.String("path", "/a")))}
	return subject{"SDK Record, prebuilt options", func(n int) {
		for i := range n {
			h.Record(context.Background(), spread(i), options...)
		}
	}}
}

func promSubjects() (counter, counters, histogram, histograms subject) {
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: "bench_events_total"})
	cs := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "bench_requests_total"}, labels)
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "bench_duration_seconds", Buckets: bounds})
	hs := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "bench_request_duration_seconds", Buckets: bounds}, labels)
	counter = subject{"client_golang Inc", func(n int) {
		for range n {
			c.Inc()
		}
	}}
	counters = subject{"client_golang WithLabelValues", func(n int) {
		for i := range n {
			cs.WithLabelValues(methods[i&1], paths[i&3]).Inc()
		}
	}}
	histogram = subject{"client_golang Observe", func(n int) {
		for i := range n {
			h.Observe(spread(i))
		}
	}}
	histograms = subject{"client_golang WithLabelValues", func(n int) {
		for i := range n {
			hs.WithLabelValues(methods[i&1], paths[i&3]).Observe(spread(i))
		}
	}}
	return counter, counters, histogram, histograms
}
