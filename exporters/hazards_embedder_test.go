package exporters

import (
	"context"
	"errors"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/telltale-agent/telltale/instruments"
)

func TestHazardsOfEmbedders(t *testing.T) {
	runHazards(t, []hazard{
		{
			name: "callback that panics",
			harm: func(t *testing.T, b *bridge) {
				must(b.foreign().Int64ObservableGauge("bad.gauge", metric.WithInt64Callback(
					func(context.Context, metric.Int64Observer) error { panic("planted secret") })))(t)
			},
		},
		{
			name: "callback that returns an error",
			harm: func(t *testing.T, b *bridge) {
				must(b.foreign().Int64ObservableGauge("bad.gauge", metric.WithInt64Callback(
					func(context.Context, metric.Int64Observer) error { return errors.New("planted secret") })))(t)
			},
		},
		{
			name: "the name of a declared metric",
			harm: func(t *testing.T, b *bridge) {
				refused(b.foreign().Int64Counter("scrapetest_events"))(t)
				refused(b.foreign().Int64UpDownCounter("SCRAPETEST_events"))(t)
				refused(b.foreign().Float64Gauge("scrapetest.events."))(t)
				refused(b.foreign().Float64Histogram("scrapetest-seconds"))(t)
				refused(b.foreign().Int64Counter("scrapetest_seconds_bucket"))(t)
				refused(b.foreign().Int64Counter("go.gc.duration.seconds.sum"))(t)
				noErr(b.foreign().Int64Counter("scrapetest_events")).Add(context.Background(), 1000)
			},
			check: func(t *testing.T, got scrapeResult, _ int) {
				if v := got.value(t, "scrapetest_events"); v != 0 {
					t.Errorf("the declared counter shows %v, want 0", v)
				}
			},
		},
		{
			name: "one name, several kinds, scopes and descriptions",
			harm: func(t *testing.T, b *bridge) {
				other := b.registry.MeterProvider().Meter("other")
				noErr(b.foreign().Int64Counter("shared.name", metric.WithDescription("one"))).Add(context.Background(), 1)
				noErr(b.foreign().Int64Counter("shared.name", metric.WithDescription("two"))).Add(context.Background(), 1)
				noErr(b.foreign().Float64Counter("shared.name")).Add(context.Background(), 1)
				noErr(b.foreign().Int64Gauge("shared.name")).Record(context.Background(), 1)
				noErr(other.Int64Counter("shared.name")).Add(context.Background(), 1)
				noErr(other.Float64Histogram("shared_name")).Record(context.Background(), 1)
				noErr(other.Int64Counter("Shared.Name", metric.WithUnit("s"))).Add(context.Background(), 1)
			},
			check: func(t *testing.T, got scrapeResult, _ int) {
				if n := len(got["shared_name"].GetMetric()); n != 1 {
					t.Errorf("%d series of the shared name, want 1", n)
				}
			},
		},
		unencodable("value that is no UTF-8", instruments.LossInvalidUTF8, attribute.String("a", "\xff")),
		unencodable("empty key", instruments.LossInvalidLabel, attribute.String("", "a")),
		unencodable("key of underscores", instruments.LossInvalidLabel, attribute.String("_", "a")),
		unencodable("__name__", instruments.LossInvalidLabel, attribute.String("__name__", "a")),
		unencodable("reserved by Prometheus", instruments.LossInvalidLabel, attribute.String("__address__", "a")),
		{
			name: "le on a histogram, and quantile",
			harm: func(t *testing.T, b *bridge) {
				h := noErr(b.foreign().Float64Histogram("bad.histogram"))
				h.Record(context.Background(), 1, metric.WithAttributes(attribute.String("le", "x")))
				h.Record(context.Background(), 1, metric.WithAttributes(attribute.String("quantile", "x")))
				noErr(b.foreign().Int64Counter("good.counter")).Add(context.Background(), 1, metric.WithAttributes(attribute.String("le", "x")))
			},
			check: func(t *testing.T, got scrapeResult, round int) {
				if got.series("bad_histogram", "quantile", "x") == nil || len(got["bad_histogram"].GetMetric()) != 1 {
					t.Errorf("got %v, want the one with quantile", got["bad_histogram"])
				}
				if got.series("good_counter", "le", "x") == nil {
					t.Error("a counter may have the label le")
				}
				if n := got.dropped(t, instruments.LossReservedLabel); n != float64(round) {
					t.Errorf("counted %v before, want %d", n, round)
				}
			},
		},
		{
			name: "buckets that do not ascend",
			harm: func(t *testing.T, b *bridge) {
				h := noErr(b.foreign().Float64Histogram("bad.histogram", metric.WithExplicitBucketBoundaries(1, math.NaN(), 2)))
				h.Record(context.Background(), 1)
			},
			check: func(t *testing.T, got scrapeResult, round int) {
				if got["bad_histogram"] != nil {
					t.Error("the histogram is shown")
				}
				if n := got.dropped(t, instruments.LossInvalidBucket); n != float64(round) {
					t.Errorf("counted %v before, want %d", n, round)
				}
			},
		},
		{
			name: "value of 5 MiB",
			harm: func(t *testing.T, b *bridge) {
				long := strings.Repeat("x", 5<<20)
				c := noErr(b.foreign().Int64Counter("bad.counter"))
				c.Add(context.Background(), 1, metric.WithAttributes(attribute.String("a", long+"1")))
				c.Add(context.Background(), 1, metric.WithAttributes(attribute.String("a", long+"2")))
				c.Add(context.Background(), 1, metric.WithAttributes(attribute.String("a", "short")))
			},
			check: func(t *testing.T, got scrapeResult, round int) {
				if got.series("bad_counter", "a", strings.Repeat("x", 256)) == nil || len(got["bad_counter"].GetMetric()) != 2 {
					t.Errorf("%d series, want the short one and one that was cut", len(got["bad_counter"].GetMetric()))
				}
				if n := got.dropped(t, instruments.LossDuplicate); n != float64(round) {
					t.Errorf("counted %v before, want %d", n, round)
				}
				if round == 0 {
					return // a scrape does not see its own cuts
				}
				if n := got.value(t, "telltale_label_values_altered_total", "metric", "bad_counter", "reason", "too_long"); n != float64(2*round) {
					t.Errorf("counted %v cuts before, want %d", n, 2*round)
				}
			},
		},
		{
			name: "keys that are equal when escaped",
			harm: func(t *testing.T, b *bridge) {
				noErr(b.foreign().Int64Counter("merged.counter")).Add(context.Background(), 1, metric.WithAttributes(
					attribute.String("net.peer.name", "zz"), attribute.String("net-peer-name", "aa"), attribute.String("net_peer_name", "mm")))
			},
			check: func(t *testing.T, got scrapeResult, _ int) {
				if got.series("merged_counter", "net_peer_name", "aa;mm;zz") == nil {
					t.Errorf("got %v", got["merged_counter"])
				}
			},
		},
		{
			name: "2500 label sets",
			harm: func(t *testing.T, b *bridge) {
				c := noErr(b.foreign().Int64Counter("many.counter"))
				for n := range 2500 {
					c.Add(context.Background(), 1, metric.WithAttributes(attribute.Int("n", n)))
				}
			},
			check: func(t *testing.T, got scrapeResult, _ int) {
				if n := len(got["many_counter"].GetMetric()); n > 2000 {
					t.Errorf("%d series, want 2000", n)
				}
			},
		},
		{
			name: "counter and histogram given nonsense",
			harm: func(t *testing.T, b *bridge) {
				c, h := noErr(b.foreign().Float64Counter("bad.counter")), noErr(b.foreign().Float64Histogram("bad.histogram"))
				for _, v := range []float64{-7, math.NaN(), math.Inf(1), math.Inf(-1)} {
					c.Add(context.Background(), v)
					h.Record(context.Background(), v)
				}
			},
		},
		{
			name: "text that is no UTF-8",
			harm: func(t *testing.T, b *bridge) {
				noErr(b.foreign().Int64Counter("good.counter", metric.WithDescription("a\xffb\nc"))).Add(context.Background(), 1)
				noErr(b.foreign().Int64Counter("bad.unit", metric.WithUnit("\xff"))).Add(context.Background(), 1)
				noErr(b.foreign().Int64Counter("bad name")).Add(context.Background(), 1)
				noErr(b.registry.MeterProvider().Meter("\xff\xfe").Int64Counter("odd.scope")).Add(context.Background(), 1)
			},
			check: func(t *testing.T, got scrapeResult, _ int) {
				if got.value(t, "good_counter") != 1 || got.value(t, "odd_scope") != 1 {
					t.Error("the good ones are not shown")
				}
			},
		},
		{
			name: "clashes on the provider itself, past the guards",
			harm: func(t *testing.T, b *bridge) {
				one, two := b.provider.Meter("one"), b.provider.Meter("two")
				for _, m := range []metric.Meter{one, two} {
					same := noErr(m.Int64Counter("raw.same"))
					same.Add(context.Background(), 1)
					// The error about this one quotes more than is looked at.
					same.Add(context.Background(), 1, metric.WithAttributes(attribute.String("a", strings.Repeat("x", 10*maxExcerpt))))
				}
				noErr(one.Int64Counter("raw.kinds")).Add(context.Background(), 1)
				noErr(two.Float64Histogram("raw.kinds")).Record(context.Background(), 1)
				noErr(one.Float64Histogram("raw.suffix")).Record(context.Background(), 1)
				noErr(two.Int64Counter("raw.suffix.count")).Add(context.Background(), 1)
			},
			check: func(t *testing.T, got scrapeResult, round int) {
				if n := got.value(t, "raw_same"); n != 1 {
					t.Errorf("got %v", n)
				}
				if n := got.dropped(t, instruments.LossDuplicate); n != float64(2*round) {
					t.Errorf("counted %v duplicates before, want %d", n, 2*round)
				}
				if n := got.dropped(t, instruments.LossConflict); n != float64(2*round) {
					t.Errorf("counted %v conflicts before, want %d", n, 2*round)
				}
				if n := got.dropped(t, instruments.LossOther); n != 0 {
					t.Errorf("counted %v others: a pattern of lossReason does not match any more", n)
				}
			},
		},
		{
			name: "different label names on one instrument",
			harm: func(t *testing.T, b *bridge) {
				c, h := noErr(b.foreign().Int64Counter("mixed.counter")), noErr(b.foreign().Float64Histogram("mixed.histogram"))
				for _, set := range [][]attribute.KeyValue{nil, {attribute.String("a", "x")}, {attribute.String("b", "x"), attribute.Int("a", 1)}} {
					c.Add(context.Background(), 1, metric.WithAttributes(set...))
					h.Record(context.Background(), 1, metric.WithAttributes(set...))
				}
			},
			check: func(t *testing.T, got scrapeResult, _ int) {
				for _, name := range []string{"mixed_counter", "mixed_histogram"} {
					if got.series(name) == nil || got.series(name, "a", "x") == nil || got.series(name, "a", "1", "b", "x") == nil {
						t.Errorf("%s: got %v, want all three series", name, got[name])
					}
				}
			},
		},
		{
			name: "observable created twice, each time with a callback",
			harm: func(t *testing.T, b *bridge) {
				for _, call := range []string{"first", "second"} {
					must(b.foreign().Int64ObservableCounter("twice.counter", metric.WithInt64Callback(
						func(_ context.Context, o metric.Int64Observer) error {
							o.Observe(1, metric.WithAttributes(attribute.String("call", call)))
							return nil
						})))(t)
				}
			},
			check: func(t *testing.T, got scrapeResult, _ int) {
				for _, call := range []string{"first", "second"} {
					if got.series("twice_counter", "call", call) == nil {
						t.Errorf("the %s callback is not called", call)
					}
				}
			},
		},
		{
			name: "created and unregistered inside a callback",
			harm: func(t *testing.T, b *bridge) {
				gauge := noErr(b.foreign().Int64ObservableGauge("outer.gauge"))
				var registration metric.Registration
				var once sync.Once
				registered := make(chan struct{})
				registration = noErr(b.foreign().RegisterCallback(func(_ context.Context, o metric.Observer) error {
					o.ObserveInt64(gauge, 1)
					<-registered
					once.Do(func() {
						noErr(b.foreign().Int64Counter("inner.counter")).Add(context.Background(), 1)
						_ = registration.Unregister()
					})
					return nil
				}, gauge))
				close(registered)
			},
		},
		{
			name: "observed for another instrument, twice, and late",
			harm: func(t *testing.T, b *bridge) {
				mine := noErr(b.foreign().Int64ObservableCounter("mine.counter"))
				other := noErr(b.foreign().Int64ObservableCounter("other.counter"))
				must(b.foreign().RegisterCallback(func(_ context.Context, o metric.Observer) error {
					o.ObserveInt64(mine, 5)
					o.ObserveInt64(mine, 6)
					o.ObserveInt64(other, 1)
					time.AfterFunc(0, func() { o.ObserveInt64(mine, 7) })
					return nil
				}, mine))(t)
			},
		},
	})
}

// unencodable is a series of one instrument that no scrape can show. The other
// series of the instrument stay.
func unencodable(name string, reason instruments.ScrapeLossReason, bad attribute.KeyValue) hazard {
	return hazard{
		name: name,
		harm: func(t *testing.T, b *bridge) {
			good := attribute.String("a", "good")
			for _, kv := range []attribute.KeyValue{bad, good} {
				noErr(b.foreign().Int64Counter("bad.counter")).Add(context.Background(), 1, metric.WithAttributes(kv))
				noErr(b.foreign().Float64Gauge("bad.gauge")).Record(context.Background(), 1, metric.WithAttributes(kv))
				noErr(b.foreign().Float64Histogram("bad.histogram")).Record(context.Background(), 1, metric.WithAttributes(kv))
			}
		},
		check: func(t *testing.T, got scrapeResult, round int) {
			for _, name := range []string{"bad_counter", "bad_gauge", "bad_histogram"} {
				if got.series(name, "a", "good") == nil || len(got[name].GetMetric()) != 1 {
					t.Errorf("%s: got %v, want the good series", name, got[name])
				}
			}
			if n := got.dropped(t, reason); n != float64(3*round) { // a scrape does not see its own losses
				t.Errorf("counted %v before, want %d", n, 3*round)
			}
		},
	}
}
