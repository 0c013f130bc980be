package goruntime_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	dto "github.com/prometheus/client_model/go"

	"github.com/telltale-agent/telltale/instruments"
	"github.com/telltale-agent/telltale/instruments/goruntime"
	"github.com/telltale-agent/telltale/instruments/instrumentstest"
)

// reference is what client_golang's collector says.
type reference struct{ registry *prometheus.Registry }

func newReference() reference {
	r := reference{prometheus.NewRegistry()}
	r.registry.MustRegister(collectors.NewGoCollector(collectors.WithoutGoCollectorRuntimeMetrics(collectors.MetricsAll.Matcher)))
	return r
}

func (r reference) gather(t *testing.T) map[string]*dto.MetricFamily {
	t.Helper()
	families, err := r.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	byName := make(map[string]*dto.MetricFamily)
	for _, f := range families {
		byName[f.GetName()] = f
	}
	return byName
}

func valueOf(f *dto.MetricFamily) float64 {
	m := f.GetMetric()[0]
	return m.GetCounter().GetValue() + m.GetGauge().GetValue()
}

func TestAgreesWithClientGolang(t *testing.T) {
	reference := newReference()
	exit := instrumentstest.New(t)
	goruntime.Observe(exit.Registry)
	declared := make(map[string]instruments.Declaration)
	for d := range instruments.All() {
		declared[d.Name] = d
	}
	collect(t, exit)
	families := reference.gather(t)
	quiesce(t)

	for name, family := range families {
		d, ok := declared[name]
		if !ok {
			t.Errorf("client_golang has %s, which is not declared", name)
			continue
		}
		if want := strings.ToLower(family.GetType().String()); d.Kind.String() != want {
			t.Errorf("%s: got kind %s, want %s", name, d.Kind, want)
		}
		switch name {
		case "go_gc_duration_seconds": // compared below
		case "go_goroutines": // each side counts the goroutines that its own gathering takes
		default:
			between(t, name, func() (float64, float64, float64) {
				before := reference.gather(t)[name]
				ours := collect(t, exit)[name]
				after := reference.gather(t)[name]
				return valueOf(before), ours, valueOf(after)
			})
		}
	}
	if len(families) < 25 {
		t.Errorf("client_golang has %d metrics, want at least 25 to compare with", len(families))
	}
}

func TestGoInfoAgreesWithClientGolang(t *testing.T) {
	want := newReference().gather(t)["go_info"].GetMetric()[0]
	exit := instrumentstest.New(t)
	goruntime.Observe(exit.Registry)
	info := exit.Points(t, "go_info")
	if len(info) != 1 || info[0].Value != 1 {
		t.Fatalf("got %v, want one point of 1", info)
	}
	version, _ := info[0].Attributes.Value("version")
	if want := want.GetLabel()[0].GetValue(); version.AsString() != want {
		t.Errorf("version: got %q, want %q", version.AsString(), want)
	}
}

func TestPausesAgreeWithClientGolang(t *testing.T) {
	reference := newReference()
	exit := instrumentstest.New(t)
	goruntime.Observe(exit.Registry)
	quiesce(t)
	want := reference.gather(t)["go_gc_duration_seconds"].GetMetric()[0].GetSummary()
	got := exit.Summaries(context.Background())[0]
	if got.Count != want.GetSampleCount() || math.Abs(got.Sum-want.GetSampleSum()) > 1e-12 {
		t.Errorf("got count %d, sum %v, want %d, %v", got.Count, got.Sum, want.GetSampleCount(), want.GetSampleSum())
	}
	if len(got.Quantiles) != len(want.GetQuantile()) {
		t.Fatalf("got %d quantiles, want %d", len(got.Quantiles), len(want.GetQuantile()))
	}
	for i, q := range want.GetQuantile() {
		if got.Quantiles[i] != (instruments.Quantile{Quantile: q.GetQuantile(), Value: q.GetValue()}) {
			t.Errorf("quantile %d: got %v, want %v", i, got.Quantiles[i], q)
		}
	}
}
