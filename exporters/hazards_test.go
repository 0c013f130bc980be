package exporters

import (
	"context"
	"math"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/telltale-agent/telltale/instruments"
)

// The hazards of the plain stack: what, without the guards of this project,
// costs a scrape, all scrapes or the process. Each row does the harm and then
// scrapes three times; bridge.scrape demands status 200, a valid scrape and every
// declared metric, and check what is special.

type hazard struct {
	name  string
	harm  func(t *testing.T, b *bridge)
	check func(t *testing.T, got scrapeResult, round int)
}

func TestHazardsOfHandles(t *testing.T) {
	runHazards(t, []hazard{
		{
			name: "counter given nonsense",
			harm: func(_ *testing.T, b *bridge) {
				c := scrapedCounter.In(b.registry)
				c.Add(5)
				for _, v := range []float64{-7, math.NaN(), math.Inf(1), math.Inf(-1)} {
					c.Add(v)
				}
			},
			check: func(t *testing.T, got scrapeResult, _ int) {
				if v := got.value(t, "scrapetest_events"); v != 5 {
					t.Errorf("the counter shows %v, want 5", v)
				}
			},
		},
		{
			name: "counter beyond what integers hold",
			harm: func(_ *testing.T, b *bridge) {
				scrapedCounter.In(b.registry).Add(9e18)
				scrapedCounter.In(b.registry).Add(9e18)
			},
			check: func(t *testing.T, got scrapeResult, _ int) {
				if v := got.value(t, "scrapetest_events"); v != 18e18 {
					t.Errorf("the counter shows %v, want 18e18", v)
				}
			},
		},
		{
			name: "histogram given nonsense",
			harm: func(_ *testing.T, b *bridge) {
				h := scrapedHistogram.In(b.registry)
				h.Record(1)
				h.Record(math.NaN())
				h.Record(math.Inf(1))
			},
			check: func(t *testing.T, got scrapeResult, _ int) {
				h := got.series("scrapetest_seconds").GetHistogram()
				if h.GetSampleCount() != 1 || h.GetSampleSum() != 1 {
					t.Errorf("the histogram shows %v, want the one value", h)
				}
			},
		},
		{
			name: "label values that no scrape could show",
			harm: func(_ *testing.T, b *bridge) {
				for _, bad := range []string{"\xff\xfe", strings.Repeat("x", 5<<20), "", "a\nb\"c\\d", "\x00"} {
					labels := scrapedLabels{"get", bad}
					scrapedCounterBy.In(b.registry).Add(1, labels)
					scrapedGaugeBy.In(b.registry).Set(1, labels)
					scrapedHistogramBy.In(b.registry).Record(1, labels)
				}
			},
			check: func(t *testing.T, got scrapeResult, _ int) {
				for _, name := range []string{"scrapetest_requests_total", "scrapetest_open", "scrapetest_sizes"} {
					for _, path := range []string{"\uFFFD", strings.Repeat("x", 256), "", "a\nb\"c\\d", "\x00"} {
						if got.series(name, "method", "get", "path", path) == nil {
							t.Errorf("%s with path %q is missing", name, path)
						}
					}
				}
			},
		},
		{
			name: "2500 label sets",
			harm: func(_ *testing.T, b *bridge) {
				for n := range 2500 {
					labels := scrapedLabels{"new", strconv.Itoa(n)}
					scrapedCounterBy.In(b.registry).Add(1, labels)
					scrapedHistogramBy.In(b.registry).Record(1, labels)
				}
			},
			check: func(t *testing.T, got scrapeResult, _ int) {
				for _, name := range []string{"scrapetest_requests_total", "scrapetest_sizes"} {
					if n := len(got[name].GetMetric()); n != 2000 {
						t.Errorf("%s has %d series, want 2000", name, n)
					}
					// 1999 have a series of their own, the two known ones among them.
					overflow := got.series(name, "otel_metric_overflow", "true")
					if n := overflow.GetCounter().GetValue() + float64(overflow.GetHistogram().GetSampleCount()); n != 503 {
						t.Errorf("%s counts %v in the overflow series, want 503", name, n)
					}
				}
			},
		},
		{
			name: "source that panics",
			harm: func(_ *testing.T, b *bridge) {
				calls := 0
				b.registry.Observe("bad", func(_ context.Context, o *instruments.Observation) {
					scrapedSampled.Observe(o, 7)
					if calls++; calls > 1 {
						panic("planted secret")
					}
				})
			},
			check: func(t *testing.T, got scrapeResult, round int) {
				if v := got.value(t, "scrapetest_sampled"); v != 7 {
					t.Errorf("got %v, want the last value", v)
				}
				if round > 0 {
					if n := got.value(t, "telltale_callback_failures_total", "callback", "bad", "reason", "panic"); n < 1 {
						t.Errorf("the panic was not counted")
					}
				}
			},
		},
		{
			name: "source that ends its goroutine",
			harm: func(_ *testing.T, b *bridge) {
				b.registry.Observe("bad", func(context.Context, *instruments.Observation) { runtime.Goexit() })
			},
		},
		{
			name: "source that reports the same series twice",
			harm: func(_ *testing.T, b *bridge) {
				b.registry.Observe("twice", func(_ context.Context, o *instruments.Observation) {
					scrapedCounterBy.Observe(o, 5, scrapedLabels{"get", "a"})
					scrapedCounterBy.Observe(o, 6, scrapedLabels{"get", "a"})
					scrapedCounterBy.Observe(o, 1, scrapedLabels{"put", "a"})
				})
			},
			check: func(t *testing.T, got scrapeResult, _ int) {
				if v := got.value(t, "scrapetest_requests_total", "method", "get", "path", "a"); v != 6 {
					t.Errorf("got %v, want 6: the last", v)
				}
			},
		},
		{
			name: "instruments created and taken away inside a source",
			harm: func(t *testing.T, b *bridge) {
				var once sync.Once
				b.registry.Observe("creator", func(context.Context, *instruments.Observation) {
					once.Do(func() {
						_, err := b.foreign().Int64Counter("made.inside")
						if err != nil {
							t.Error(err)
						}
						b.registry.Observe("inner", func(context.Context, *instruments.Observation) {})()
					})
				})
			},
		},
		{
			name: "summary that panics",
			harm: func(_ *testing.T, b *bridge) {
				instruments.GoGCPauses.Observe(b.registry, func() instruments.SummaryPoint { panic("planted secret") })
			},
		},
		{
			name: "gauge that was forgotten",
			harm: func(_ *testing.T, b *bridge) {
				scrapedGaugeBy.In(b.registry).Set(1, scrapedLabels{"get", "gone"})
				b.get("/metrics")
				scrapedGaugeBy.In(b.registry).Forget(scrapedLabels{"get", "gone"})
			},
			check: func(t *testing.T, got scrapeResult, _ int) {
				if got.series("scrapetest_open", "method", "get", "path", "gone") != nil {
					t.Error("the series is still there")
				}
			},
		},
	})
}

func runHazards(t *testing.T, hazards []hazard) {
	for _, h := range hazards {
		t.Run(h.name, func(t *testing.T) {
			b := newBridge(t, PrometheusOptions{})
			h.harm(t, b)
			for round := range 3 {
				got := b.scrape(t)
				if h.check != nil {
					h.check(t, got, round)
				}
			}
			for _, row := range acceptHeaders[:2] {
				if w := b.get("/metrics", "Accept", row.accept); strings.Contains(w.Body.String(), "planted secret") {
					t.Error("the scrape shows what is inside")
				}
			}
			if got := b.log.count("level=WARN"); got > 2 {
				t.Errorf("%d warnings, want one for each reason where it begins:\n%s", got, b.log)
			}
		})
	}
}

// must fails the test on an error. Where a test needs the instrument, noErr
// gives it; one that was refused records nothing.
func must[I any](_ I, err error) func(*testing.T) {
	return func(t *testing.T) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
}

func refused[I any](_ I, err error) func(*testing.T) {
	return func(t *testing.T) {
		t.Helper()
		if err == nil {
			t.Error("the instrument was not refused")
		}
	}
}

func noErr[I any](instrument I, _ error) I { return instrument }
