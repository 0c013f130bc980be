package exporters

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/telltale-agent/telltale/instruments"
)

// summaryCollector shows the summaries of the registry, for which OpenTelemetry
// has no instrument. Its fields are set between collections.
type summaryCollector struct {
	scopeInfo bool
	registry  *instruments.Registry
	deadline  time.Time
}

// Describe describes nothing: which summaries have a source is known at
// collection only.
func (c *summaryCollector) Describe(chan<- *prometheus.Desc) {}

// Collect reads every summary that has a source.
func (c *summaryCollector) Collect(metrics chan<- prometheus.Metric) {
	ctx, cancel := context.WithDeadline(context.Background(), c.deadline)
	defer cancel()
	for _, s := range c.registry.Summaries(ctx) {
		metrics <- c.metric(s)
	}
}

func (c *summaryCollector) metric(s instruments.SummaryValue) prometheus.Metric {
	quantiles := make(map[float64]float64, len(s.Quantiles))
	for _, q := range s.Quantiles {
		quantiles[q.Quantile] = q.Value
	}
	desc := prometheus.NewDesc(s.Name, s.Help, nil, c.labels())
	m, err := prometheus.NewConstSummary(desc, s.Count, s.Sum, quantiles)
	if err != nil {
		return prometheus.NewInvalidMetric(desc, err)
	}
	return m
}

func (c *summaryCollector) labels() prometheus.Labels {
	if !c.scopeInfo {
		return nil
	}
	return prometheus.Labels{"otel_scope_name": instruments.Scope, "otel_scope_version": "", "otel_scope_schema_url": ""}
}
