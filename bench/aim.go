package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/otlptranslator"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/exemplar"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/telltale-agent/telltale/instruments"
)

// What is an aim and not a bound yet, histograms and scrapes at the speed of
// client_golang, is taken apart here: what each part of the way costs, as a
// share of what client_golang needs for the whole.

func aimRows(e effort) ([]row, error) {
	rows := histogramAimRows(e)
	for _, series := range e.series {
		stages, err := scrapeStages(series)
		if err != nil {
			return nil, err
		}
		peer := scrapes("client_golang, whole scrape", promHandler(series))
		for _, stage := range stages {
			rows = append(rows, measured(e, pair{
				what: fmt.Sprintf("part of a scrape of %d series", series), ours: stage, peer: peer, goroutines: 1,
			}))
		}
	}
	return rows, nil
}

// histogramAimRows measures the least that a histogram can do.
func histogramAimRows(e effort) []row {
	_, _, peer, _ := promSubjects()
	var rows []row
	for _, goroutines := range []int{1, 2} {
		rows = append(rows, measured(e, pair{
			what: fmt.Sprintf("part of a histogram's record, %d goroutine(s)", goroutines),
			ours: cellHistogram(), peer: peer, goroutines: goroutines,
		}))
	}
	return rows
}

// measured is the row of a pair whose own side is a part that needs its name.
func measured(e effort, p pair) row {
	var found samples
	p.measure(e.each, e.rounds, &found)
	p.what += ": " + p.ours.name
	return p.row(found)
}

// cellHistogram records as the counters of package instruments do, into atomic
// cells: one for each bucket, and the sum.
func cellHistogram() subject {
	h := &struct {
		buckets [17]atomic.Uint64
		_       [64]byte
		sum     atomic.Uint64 // bits of a float64
	}{}
	return subject{"atomic cells, as counters have", func(n int) {
		for i := range n {
			v, at := spread(i), 0
			for at < len(bounds) && v > bounds[at] {
				at++
			}
			h.buckets[at].Add(1)
			for {
				old := h.sum.Load()
				if h.sum.CompareAndSwap(old, math.Float64bits(math.Float64frombits(old)+v)) {
					break
				}
			}
		}
	}}
}

// scrapeStages are what a scrape of our counter passes through, each up to its
// end and so with those before it; and the encoding alone, which comes last.
func scrapeStages(series int) ([]subject, error) {
	collected, bridged := sdkmetric.NewManualReader(), prometheus.NewRegistry()
	bridge, err := otelprometheus.New(
		otelprometheus.WithRegisterer(bridged),
		otelprometheus.WithTranslationStrategy(otlptranslator.UnderscoreEscapingWithoutSuffixes),
		otelprometheus.WithoutScopeInfo(), otelprometheus.WithoutTargetInfo(),
	)
	if err != nil {
		return nil, err
	}
	limit := series + 10
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(collected), sdkmetric.WithReader(bridge),
		sdkmetric.WithExemplarFilter(exemplar.AlwaysOffFilter), sdkmetric.WithCardinalityLimit(limit))
	registry, err := instruments.New(provider, instruments.WithSeriesLimit(limit), instruments.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		return nil, err
	}
	counters := labelledCounter.In(registry)
	for i := range series {
		counters.Add(1, requestOf(i))
	}
	families, err := bridged.Gather()
	if err != nil {
		return nil, err
	}
	var data metricdata.ResourceMetrics
	return []subject{
		{"up to the SDK's collection", repeat(func() error { return collected.Collect(context.Background(), &data) })},
		{"up to the bridge's families", repeat(func() error { _, err := bridged.Gather(); return err })},
		{"encoding alone", repeat(func() error { return encode(families) })},
	}, nil
}

func encode(families []*dto.MetricFamily) error {
	encoder := expfmt.NewEncoder(io.Discard, expfmt.NewFormat(expfmt.TypeTextPlain))
	for _, family := range families {
		if err := encoder.Encode(family); err != nil {
			return err
		}
	}
	return nil
}

// repeat is for operations whose failure is a fault of this program.
func repeat(f func() error) func(n int) {
	return func(n int) {
		for range n {
			if err := f(); err != nil {
				panic(err)
			}
		}
	}
}
