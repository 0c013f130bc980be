package exporters

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/telltale-agent/telltale/instruments"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
)

// agent is a registry with a push to each target, as an agent puts them together.
type agent struct {
	reg    *instruments.Registry
	pushes []*Push
	log    *lines
}

func newAgent(t *testing.T, targets ...Target) *agent {
	t.Helper()
	a := &agent{log: new(lines)}
	var options []sdkmetric.Option
	for _, target := range targets {
		target.Interval = or(target.Interval, forever)
		push, err := NewPush(target, PushOptions{Logger: a.log.logger()})
		if err != nil {
			t.Fatal(err)
		}
		a.pushes = append(a.pushes, push)
		options = append(options, sdkmetric.WithReader(push.Reader()))
	}
	reg, err := instruments.New(sdkmetric.NewMeterProvider(options...), instruments.WithLogger(a.log.logger()))
	if err != nil {
		t.Fatal(err)
	}
	a.reg = reg
	for _, push := range a.pushes {
		push.Attach(reg)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		for _, push := range a.pushes {
			_ = push.Shutdown(ctx)
			<-push.done
		}
		_ = reg.Close()
	})
	return a
}

// label returns the value of a label of a point, or "".
func label(p *metricspb.NumberDataPoint, name string) string {
	for _, kv := range p.GetAttributes() {
		if kv.GetKey() == name {
			return kv.GetValue().GetStringValue()
		}
	}
	return ""
}

// told returns what the delivery says in a metric about an endpoint.
func (d delivery) told(t *testing.T, name, endpoint, labelName, labelValue string) float64 {
	t.Helper()
	m := d.find(name)
	if m == nil {
		t.Fatalf("%s was not delivered", name)
	}
	for _, p := range append(m.GetSum().GetDataPoints(), m.GetGauge().GetDataPoints()...) {
		if label(p, "endpoint") == endpoint && (labelName == "" || label(p, labelName) == labelValue) {
			return p.GetAsDouble()
		}
	}
	t.Fatalf("%s has no point for %s %s=%s", name, endpoint, labelName, labelValue)
	return 0
}

// TestPushTellsAboutItself looks at the push metrics in the deliveries
// themselves: each tells about the exports before it.
func TestPushTellsAboutItself(t *testing.T) {
	bothProtocols(t, func(t *testing.T, protocol string) {
		collector := startReceiver(t, protocol, nil)
		a := newAgent(t, Target{URL: collector.url()})
		push, endpoint := a.pushes[0], collector.url()
		flush := func() delivery {
			t.Helper()
			_ = push.ForceFlush(t.Context())
			return collector.last(t)
		}
		first := flush()
		for _, want := range []struct{ name, label, value string }{
			{"telltale_push_exports_total", "result", "success"},
			{"telltale_push_exports_total", "result", "failure"},
			{"telltale_push_failures_total", "reason", "timeout"},
			{"telltale_push_points_dropped_total", "reason", "rejected"},
			{"telltale_push_up", "", ""},
			{"telltale_push_last_success_timestamp_seconds", "", ""},
		} {
			if got := first.told(t, want.name, endpoint, want.label, want.value); got != 0 {
				t.Errorf("%s is %v before the first export, want 0", want.name, got)
			}
		}
		second := flush()
		if got := second.told(t, "telltale_push_up", endpoint, "", ""); got != 1 {
			t.Errorf("up is %v after a success", got)
		}
		moment := second.told(t, "telltale_push_last_success_timestamp_seconds", endpoint, "", "")
		collector.set(badRequest)
		flush()
		flush()
		third := flush()
		if got := third.told(t, "telltale_push_failures_total", endpoint, "reason", "rejected"); got != 2 {
			t.Errorf("%v failures, want 2", got)
		}
		if got := third.told(t, "telltale_push_exports_total", endpoint, "result", "failure"); got != 2 {
			t.Errorf("%v exports failed, want 2", got)
		}
		if got := third.told(t, "telltale_push_exports_total", endpoint, "result", "success"); got != 2 {
			t.Errorf("%v exports succeeded, want 2", got)
		}
		if got := third.told(t, "telltale_push_up", endpoint, "", ""); got != 0 {
			t.Errorf("up is %v after a failure", got)
		}
		if got := third.told(t, "telltale_push_last_success_timestamp_seconds", endpoint, "", ""); got < moment {
			t.Errorf("last success moved from %v back to %v", moment, got)
		}
		if h := third.find("telltale_push_duration_seconds"); h.GetHistogram().GetDataPoints()[0].GetCount() != 4 {
			t.Errorf("durations: %v", h)
		}
		partial := accept
		partial.rejected = 7
		collector.set(partial)
		flush()
		if got := flush().told(t, "telltale_push_points_dropped_total", endpoint, "reason", "rejected"); got != 7 {
			t.Errorf("%v points dropped, want 7", got)
		}
	})
}

// TestPushFillsIn looks for what the SDK alone would not deliver: histograms
// before their first recording, and the summary.
func TestPushFillsIn(t *testing.T) {
	collector := startReceiver(t, "http", nil)
	a := newAgent(t, Target{URL: collector.url()})
	stop := instruments.GoGCPauses.Observe(a.reg, func() instruments.SummaryPoint {
		return instruments.SummaryPoint{Count: 3, Sum: 0.5, Quantiles: []instruments.Quantile{{Quantile: 0.5, Value: 0.1}}}
	})
	defer stop()
	if err := a.pushes[0].ForceFlush(t.Context()); err != nil {
		t.Fatal(err)
	}
	first := collector.last(t)
	zero := a.reg.ZeroHistograms()
	if len(zero) == 0 {
		t.Fatal("the registry names no histograms to fill in")
	}
	for _, z := range zero {
		points := first.find(z.Name).GetHistogram().GetDataPoints()
		if len(points) != len(z.Sets) {
			t.Errorf("%s has %d points, want %d", z.Name, len(points), len(z.Sets))
			continue
		}
		for _, p := range points {
			if p.GetCount() != 0 || len(p.GetBucketCounts()) != len(z.Buckets)+1 || !slices.Equal(p.GetExplicitBounds(), z.Buckets) {
				t.Errorf("%s: %v", z.Name, p)
			}
			if p.GetStartTimeUnixNano() == 0 || p.GetStartTimeUnixNano() > p.GetTimeUnixNano() {
				t.Errorf("%s starts at %d, is of %d", z.Name, p.GetStartTimeUnixNano(), p.GetTimeUnixNano())
			}
		}
	}
	summary := first.find("go_gc_duration_seconds").GetSummary().GetDataPoints()
	if len(summary) != 1 || summary[0].GetCount() != 3 || summary[0].GetQuantileValues()[0].GetValue() != 0.1 {
		t.Errorf("summary: %v", summary)
	}
	if n := len(first.request.GetResourceMetrics()[0].GetScopeMetrics()); n != 1 {
		t.Errorf("%d scopes, want what is filled in to share the registry's", n)
	}

	// A recording takes the place of the zero, and does not begin before it.
	const name = "auth_generate_seconds"
	begun := first.find(name).GetHistogram().GetDataPoints()[0].GetStartTimeUnixNano()
	instruments.AuthGenerateSeconds.In(a.reg).Record(0.1)
	if err := a.pushes[0].ForceFlush(t.Context()); err != nil {
		t.Fatal(err)
	}
	points := collector.last(t).find(name).GetHistogram().GetDataPoints()
	if len(points) != 1 || points[0].GetCount() != 1 || points[0].GetStartTimeUnixNano() < begun {
		t.Errorf("after a recording: %v, the zero began at %d", points, begun)
	}
}

// TestPushDeltaHasNoZeros: with deltas a zero says nothing.
func TestPushDeltaHasNoZeros(t *testing.T) {
	collector := startReceiver(t, "http", nil)
	a := newAgent(t, Target{URL: collector.url(), Temporality: TemporalityDelta})
	if err := a.pushes[0].ForceFlush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if name := a.reg.ZeroHistograms()[0].Name; collector.last(t).find(name) != nil {
		t.Errorf("%s was delivered", name)
	}
}

// TestPushUnencodable: protobuf refuses a whole request for one byte; here it
// costs the point that has it.
func TestPushUnencodable(t *testing.T) {
	bothProtocols(t, func(t *testing.T, protocol string) {
		collector := startReceiver(t, protocol, nil)
		r := newRig(t, Target{URL: collector.url()})
		meter := r.provider.Meter("a scope \xff")
		mixed, err := meter.Int64Counter("mixed", metric.WithDescription("bad \xff text"))
		if err != nil {
			t.Fatal(err)
		}
		r.add(1)
		mixed.Add(t.Context(), 5, metric.WithAttributes(attribute.String("key", "good")))
		mixed.Add(t.Context(), 6, metric.WithAttributes(attribute.String("key", "bad\xff")))
		mixed.Add(t.Context(), 7, metric.WithAttributes(attribute.String("bad\xff", "key")))
		r.flushed(t)
		got := collector.last(t)
		if v := got.value(t, "events"); v != 1 {
			t.Errorf("events %v, want 1", v)
		}
		if v := got.value(t, "mixed"); v != 5 {
			t.Errorf("mixed %v, want only the good point's 5", v)
		}
	})
}

func TestPushCountsUnencodable(t *testing.T) {
	collector := startReceiver(t, "http", nil)
	a := newAgent(t, Target{URL: collector.url()})
	c := cleaner{}
	c.drop(instruments.PushDropInvalid, 2)
	a.pushes[0].meter.Load().dropped(c.dropped)
	if err := a.pushes[0].ForceFlush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := collector.last(t).told(t, "telltale_push_points_dropped_total", collector.url(), "reason", "invalid"); got != 2 {
		t.Errorf("%v points dropped, want 2", got)
	}
}

// TestPushesAreIndependent: of two collectors of one registry, the one that
// hangs does not hold up the other, and both have all counts in the end.
func TestPushesAreIndependent(t *testing.T) {
	bad, good := startReceiver(t, "http", nil), startReceiver(t, "grpc", nil)
	bad.set(hang)
	a := newAgent(t,
		Target{URL: bad.url(), Timeout: time.Hour, ExportTimeout: time.Hour},
		Target{URL: good.url()})
	ctx, cancel := context.WithCancel(t.Context())
	stuck := make(chan error, 1)
	go func() { stuck <- a.pushes[0].ForceFlush(ctx) }()
	bad.await(t, 1)
	for n := range 3 {
		instruments.UserLogins.In(a.reg).Add(1)
		if err := a.pushes[1].ForceFlush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := good.last(t).value(t, "user_login_total"); got != float64(n+1) {
			t.Errorf("got %v logins, want %d", got, n+1)
		}
	}
	cancel()
	if err := <-stuck; err == nil {
		t.Error("the hanging export succeeded")
	}
	bad.set(accept)
	if err := a.pushes[0].Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := bad.last(t).value(t, "user_login_total"); got != 3 {
		t.Errorf("got %v logins, want 3", got)
	}
}

// TestPushSurvivesSources is TestPushSurvivesCallbacks under the registry's
// own guards: a source that panics or an embedder's callback that does costs
// no export.
func TestPushSurvivesSources(t *testing.T) {
	collector := startReceiver(t, "grpc", nil)
	a := newAgent(t, Target{URL: collector.url()})
	defer a.reg.Observe("wild", func(context.Context, *instruments.Observation) { panic("wild source") })()
	meter := a.reg.MeterProvider().Meter("embedder")
	gauge, err := meter.Int64ObservableGauge("embedded_gauge")
	if err != nil {
		t.Fatal(err)
	}
	_, err = meter.RegisterCallback(func(context.Context, observer) error { panic("wild callback") }, gauge)
	if err != nil {
		t.Fatal(err)
	}
	instruments.UserLogins.In(a.reg).Add(2)
	if err := a.pushes[0].ForceFlush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := collector.last(t).value(t, "user_login_total"); got != 2 {
		t.Errorf("got %v logins, want 2", got)
	}
}
