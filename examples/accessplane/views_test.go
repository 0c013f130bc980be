package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
	"go.opentelemetry.io/collector/receiver/receivertest"
)

// point is one series at one moment, wherever it was read.
type point struct {
	kind    string
	value   float64 // of a counter or a gauge
	count   uint64  // of a histogram or a summary
	sum     float64
	buckets []uint64 // each by itself, not cumulated, the last up to infinity
}

// view is what one exit shows: series by metric and labels, such as `a="x",b="y"`.
type view map[string]map[string]point

func (v view) put(metric string, labels map[string]string, p point) {
	var pairs []string
	for name, value := range labels {
		pairs = append(pairs, fmt.Sprintf("%s=%q", name, value))
	}
	slices.Sort(pairs)
	if v[metric] == nil {
		v[metric] = make(map[string]point)
	}
	v[metric][strings.Join(pairs, ",")] = p
}

// scraper reads /metrics, and counts how often it did.
type scraper struct {
	url     string
	scrapes float64
}

func (s *scraper) read(t *testing.T) view {
	t.Helper()
	response, err := http.Get(s.url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("scrape: %s", response.Status)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	s.scrapes++
	v := make(view)
	for name, family := range families {
		for _, metric := range family.GetMetric() {
			labels := make(map[string]string)
			for _, pair := range metric.GetLabel() {
				labels[pair.GetName()] = pair.GetValue()
			}
			v.put(name, labels, scraped(family.GetType(), metric))
		}
	}
	return v
}

func scraped(kind dto.MetricType, m *dto.Metric) point {
	p := point{kind: strings.ToLower(kind.String())}
	switch kind {
	case dto.MetricType_COUNTER:
		p.value = m.GetCounter().GetValue()
	case dto.MetricType_GAUGE:
		p.value = m.GetGauge().GetValue()
	case dto.MetricType_SUMMARY:
		p.count, p.sum = m.GetSummary().GetSampleCount(), m.GetSummary().GetSampleSum()
	case dto.MetricType_HISTOGRAM:
		p.count, p.sum = m.GetHistogram().GetSampleCount(), m.GetHistogram().GetSampleSum()
		var below uint64
		for _, bucket := range m.GetHistogram().GetBucket() {
			p.buckets = append(p.buckets, bucket.GetCumulativeCount()-below)
			below = bucket.GetCumulativeCount()
		}
	}
	return p
}

// collector is the OTLP receiver of an OpenTelemetry Collector.
type collector struct {
	url string

	mu     sync.Mutex // guards the fields below
	last   pmetric.Metrics
	pushes int
}

func startCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{}
	factory := otlpreceiver.NewFactory()
	config := factory.CreateDefaultConfig()
	addr := freeAddress(t)
	c.url = "http://" + addr
	settings := confmap.NewFromStringMap(map[string]any{"protocols": map[string]any{"http": map[string]any{"endpoint": addr}}})
	if err := settings.Unmarshal(config); err != nil {
		t.Fatal(err)
	}
	sink, err := consumer.NewMetrics(c.consume)
	if err != nil {
		t.Fatal(err)
	}
	var metrics receiver.Metrics
	if metrics, err = factory.CreateMetrics(context.Background(), receivertest.NewNopSettings(factory.Type()), config, sink); err != nil {
		t.Fatal(err)
	}
	if err := metrics.Start(context.Background(), componenttest.NewNopHost()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := metrics.Shutdown(context.Background()); err != nil {
			t.Errorf("stop the receiver: %v", err)
		}
	})
	return c
}

// freeAddress is one that nobody listened on a moment ago: the receiver's
// configuration takes no port 0.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func (c *collector) consume(_ context.Context, metrics pmetric.Metrics) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = pmetric.NewMetrics()
	metrics.CopyTo(c.last)
	c.pushes++
	return nil
}

// read is the push after the next: what it holds was collected after the call.
func (c *collector) read(t *testing.T) view {
	t.Helper()
	c.mu.Lock()
	seen := c.pushes
	c.mu.Unlock()
	for deadline := time.Now().Add(patience); ; <-time.After(20 * time.Millisecond) {
		c.mu.Lock()
		if c.pushes >= seen+2 {
			defer c.mu.Unlock()
			return pushed(c.last)
		}
		c.mu.Unlock()
		if time.Now().After(deadline) {
			t.Fatal("no pushes come")
		}
	}
}

func pushed(metrics pmetric.Metrics) view {
	v := make(view)
	for _, resource := range metrics.ResourceMetrics().All() {
		for _, scope := range resource.ScopeMetrics().All() {
			for _, metric := range scope.Metrics().All() {
				v.putPushed(metric)
			}
		}
	}
	return v
}

func (v view) putPushed(metric pmetric.Metric) {
	numbers := func(kind string, points pmetric.NumberDataPointSlice) {
		for _, p := range points.All() {
			value := p.DoubleValue()
			if p.ValueType() == pmetric.NumberDataPointValueTypeInt {
				value = float64(p.IntValue())
			}
			v.put(metric.Name(), labelsOf(p.Attributes()), point{kind: kind, value: value})
		}
	}
	switch metric.Type() {
	case pmetric.MetricTypeGauge:
		numbers("gauge", metric.Gauge().DataPoints())
	case pmetric.MetricTypeSum:
		kind := "gauge" // an up-down counter
		if metric.Sum().IsMonotonic() {
			kind = "counter"
		}
		numbers(kind, metric.Sum().DataPoints())
	case pmetric.MetricTypeHistogram:
		for _, p := range metric.Histogram().DataPoints().All() {
			v.put(metric.Name(), labelsOf(p.Attributes()),
				point{kind: "histogram", count: p.Count(), sum: p.Sum(), buckets: p.BucketCounts().AsRaw()})
		}
	case pmetric.MetricTypeSummary:
		for _, p := range metric.Summary().DataPoints().All() {
			v.put(metric.Name(), labelsOf(p.Attributes()), point{kind: "summary", count: p.Count(), sum: p.Sum()})
		}
	}
}

func labelsOf(attributes pcommon.Map) map[string]string {
	labels := make(map[string]string)
	for name, value := range attributes.All() {
		labels[name] = value.AsString()
	}
	return labels
}
