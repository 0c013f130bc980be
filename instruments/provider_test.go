package instruments

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/exemplar"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"
)

var at = metric.WithAttributes(attribute.String("room", "a"))

// foreignKinds create and record each kind of instrument under one name.
var foreignKinds = []struct {
	name string
	make func(m metric.Meter, name string) (metric.Observable, error)
}{
	{"Int64Counter", func(m metric.Meter, name string) (metric.Observable, error) {
		i, err := m.Int64Counter(name, metric.WithUnit("By"), metric.WithDescription("d"))
		i.Add(context.Background(), 3, at)
		return nil, err
	}},
	{"Int64UpDownCounter", func(m metric.Meter, name string) (metric.Observable, error) {
		i, err := m.Int64UpDownCounter(name, metric.WithUnit("By"), metric.WithDescription("d"))
		i.Add(context.Background(), -3, at)
		return nil, err
	}},
	{"Int64Histogram", func(m metric.Meter, name string) (metric.Observable, error) {
		i, err := m.Int64Histogram(name, metric.WithUnit("By"), metric.WithDescription("d"), metric.WithExplicitBucketBoundaries(1, 2))
		i.Record(context.Background(), 2, at)
		return nil, err
	}},
	{"Int64Gauge", func(m metric.Meter, name string) (metric.Observable, error) {
		i, err := m.Int64Gauge(name, metric.WithUnit("By"), metric.WithDescription("d"))
		i.Record(context.Background(), 2, at)
		return nil, err
	}},
	{"Float64Counter", func(m metric.Meter, name string) (metric.Observable, error) {
		i, err := m.Float64Counter(name, metric.WithUnit("s"), metric.WithDescription("d"))
		i.Add(context.Background(), 1.5, at)
		return nil, err
	}},
	{"Float64UpDownCounter", func(m metric.Meter, name string) (metric.Observable, error) {
		i, err := m.Float64UpDownCounter(name, metric.WithUnit("s"), metric.WithDescription("d"))
		i.Add(context.Background(), -1.5, at)
		return nil, err
	}},
	{"Float64Histogram", func(m metric.Meter, name string) (metric.Observable, error) {
		i, err := m.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription("d"), metric.WithExplicitBucketBoundaries(1, 2))
		i.Record(context.Background(), 1.5, at)
		return nil, err
	}},
	{"Float64Gauge", func(m metric.Meter, name string) (metric.Observable, error) {
		i, err := m.Float64Gauge(name, metric.WithUnit("s"), metric.WithDescription("d"))
		i.Record(context.Background(), 1.5, at)
		return nil, err
	}},
	{"Int64ObservableCounter", func(m metric.Meter, name string) (metric.Observable, error) {
		return m.Int64ObservableCounter(name, metric.WithUnit("By"), metric.WithDescription("d"), metric.WithInt64Callback(observeInt64))
	}},
	{"Int64ObservableUpDownCounter", func(m metric.Meter, name string) (metric.Observable, error) {
		return m.Int64ObservableUpDownCounter(name, metric.WithUnit("By"), metric.WithDescription("d"), metric.WithInt64Callback(observeInt64))
	}},
	{"Int64ObservableGauge", func(m metric.Meter, name string) (metric.Observable, error) {
		return m.Int64ObservableGauge(name, metric.WithUnit("By"), metric.WithDescription("d"), metric.WithInt64Callback(observeInt64))
	}},
	{"Float64ObservableCounter", func(m metric.Meter, name string) (metric.Observable, error) {
		return m.Float64ObservableCounter(name, metric.WithUnit("s"), metric.WithDescription("d"), metric.WithFloat64Callback(observeFloat64))
	}},
	{"Float64ObservableUpDownCounter", func(m metric.Meter, name string) (metric.Observable, error) {
		return m.Float64ObservableUpDownCounter(name, metric.WithUnit("s"), metric.WithDescription("d"), metric.WithFloat64Callback(observeFloat64))
	}},
	{"Float64ObservableGauge", func(m metric.Meter, name string) (metric.Observable, error) {
		return m.Float64ObservableGauge(name, metric.WithUnit("s"), metric.WithDescription("d"), metric.WithFloat64Callback(observeFloat64))
	}},
}

func observeInt64(_ context.Context, o metric.Int64Observer) error {
	o.Observe(7, at)
	return nil
}

func observeFloat64(_ context.Context, o metric.Float64Observer) error {
	o.Observe(7.5, at)
	return nil
}

// observeAny registers a callback that observes 9 for an instrument of any kind.
func observeAny(m metric.Meter, instrument metric.Observable) (metric.Registration, error) {
	return m.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		switch i := instrument.(type) {
		case metric.Int64Observable:
			o.ObserveInt64(i, 9, metric.WithAttributes(attribute.String("room", "b")))
		case metric.Float64Observable:
			o.ObserveFloat64(i, 9, metric.WithAttributes(attribute.String("room", "b")))
		}
		return nil
	}, instrument)
}

func TestEveryKindWorksAsTheSDKs(t *testing.T) {
	for _, kind := range foreignKinds {
		t.Run(kind.name, func(t *testing.T) {
			plainReader := sdkmetric.NewManualReader()
			plain := sdkmetric.NewMeterProvider(sdkmetric.WithReader(plainReader), sdkmetric.WithExemplarFilter(exemplar.AlwaysOffFilter))
			rig := newRig(t)
			var got, want metricdata.ResourceMetrics
			for _, m := range []metric.Meter{
				plain.Meter("embedder", metric.WithInstrumentationVersion("1.2"), metric.WithSchemaURL("https://example.com/schema")),
				rig.MeterProvider().Meter("embedder", metric.WithInstrumentationVersion("1.2"), metric.WithSchemaURL("https://example.com/schema")),
			} {
				instrument, err := kind.make(m, "foreign.name")
				if err != nil {
					t.Fatal(err)
				}
				if instrument != nil {
					if _, err := observeAny(m, instrument); err != nil {
						t.Fatal(err)
					}
				}
			}
			for range 2 {
				if err := errors.Join(plainReader.Collect(t.Context(), &want), rig.readers[0].Collect(t.Context(), &got)); err != nil {
					t.Fatal(err)
				}
				i := slices.IndexFunc(got.ScopeMetrics, func(s metricdata.ScopeMetrics) bool { return s.Scope.Name == "embedder" })
				if i < 0 {
					t.Fatal("the scope is missing")
				}
				metricdatatest.AssertEqual(t, want.ScopeMetrics[0], got.ScopeMetrics[i], metricdatatest.IgnoreTimestamp())
			}
		})
	}
}

func TestRefusedInstrumentsOfEveryKind(t *testing.T) {
	scratch(t)
	Must(DeclareGauge(spec("test_taken")))
	for _, kind := range foreignKinds {
		t.Run(kind.name, func(t *testing.T) {
			rig := newRig(t)
			m := rig.MeterProvider().Meter("embedder")
			instrument, err := kind.make(m, "Test.Taken") // recording must not panic
			if err == nil || !strings.Contains(err.Error(), `"Test.Taken": the name belongs to the gauge "test_taken" declared at instruments/provider_test.go:`) {
				t.Errorf("got error %v", err)
			}
			if instrument != nil { // the program goes on
				registration, err := observeAny(m, instrument)
				if err != nil {
					t.Fatal(err)
				}
				defer registration.Unregister()
			}
			got := rig.collect(t)
			got.check(t, "test_taken", one{"": 0})
			got.check(t, "Test.Taken", nil)
			got.check(t, "telltale_instruments_refused_total", one{"reason=declared": 1, "reason=conflict": 0, "reason=invalid": 0})
			if lines := rig.log.lines(); len(lines) != 1 || !strings.Contains(lines[0], "instrument refused") {
				t.Errorf("logged %q", lines)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	scratch(t)
	Must(DeclareHistogram(buckets("test_latency", 1)))
	tests := []struct {
		name   string
		create func(first, second metric.Meter) error // the last instrument is to be refused
		want   string
		reason string
	}{
		{"suffix of a declared histogram", func(_, m metric.Meter) error {
			_, err := m.Int64Counter("test.latency.count")
			return err
		}, `the name belongs to the histogram "test_latency"`, "declared"},
		{"histogram whose suffix is declared", func(_, m metric.Meter) error {
			_, err := m.Int64Histogram("telltale_instruments_refused_total")
			return err
		}, `the name belongs to the counter`, "declared"},
		{"other kind", func(first, m metric.Meter) error {
			first.Int64Counter("embedder.jobs")
			_, err := m.Int64Gauge("embedder.jobs")
			return err
		}, `clashes with the counter "embedder.jobs" of scope "first", which has another kind, number type or unit`, "conflict"},
		{"sum that may shrink", func(first, m metric.Meter) error {
			first.Int64Gauge("embedder.jobs")
			_, err := m.Int64UpDownCounter("embedder.jobs")
			return err
		}, `clashes with the gauge "embedder.jobs"`, "conflict"},
		{"other unit", func(first, m metric.Meter) error {
			first.Int64Counter("embedder.jobs", metric.WithUnit("s"))
			_, err := m.Int64Counter("embedder.jobs", metric.WithUnit("ms"))
			return err
		}, `clashes with the counter "embedder.jobs"`, "conflict"},
		{"other number type", func(first, m metric.Meter) error {
			first.Int64ObservableCounter("embedder.jobs")
			_, err := m.Float64ObservableCounter("embedder.jobs")
			return err
		}, `clashes with the counter "embedder.jobs"`, "conflict"},
		{"same name once escaped", func(first, m metric.Meter) error {
			first.Int64Counter("embedder.jobs")
			_, err := m.Int64Counter("embedder_jobs")
			return err
		}, `clashes with the counter "embedder.jobs" of scope "first", which a scrape shows under the same name: choose`, "conflict"},
		{"suffix of a foreign histogram", func(first, m metric.Meter) error {
			first.Int64Histogram("embedder.latency")
			_, err := m.Int64Counter("embedder.latency.sum")
			return err
		}, `clashes with the histogram "embedder.latency" of scope "first", which a scrape shows under the same name: choose`, "conflict"},
		{"invalid name", func(_, m metric.Meter) error {
			_, err := m.Float64Histogram("9 lives")
			return err
		}, "the name or the unit cannot be shown", "invalid"},
		{"unit is not text", func(_, m metric.Meter) error {
			_, err := m.Float64Gauge("embedder.temperature", metric.WithUnit("\xb0C"))
			return err
		}, "the name or the unit cannot be shown", "invalid"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			rig := newRig(t)
			err := test.create(rig.MeterProvider().Meter("first"), rig.MeterProvider().Meter("second"))
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got error %v, want %q", err, test.want)
			}
			if got := rig.collect(t)["telltale_instruments_refused_total"]["reason="+test.reason]; got != 1 {
				t.Errorf("refused %v times for the reason %s", got, test.reason)
			}
		})
	}
}

func TestSameInstrumentTwice(t *testing.T) {
	rig := newRig(t)
	for _, description := range []string{"Jobs.", "Finished jobs.", ""} {
		for _, name := range []string{"embedder.jobs", "Embedder.Jobs"} {
			counter, err := rig.MeterProvider().Meter("embedder").Int64Counter(name, metric.WithDescription(description))
			if err != nil {
				t.Fatal(err)
			}
			counter.Add(t.Context(), 1)
		}
	}
	rig.collect(t).check(t, "embedder.jobs", one{"": 6})
}

// One byte that is not UTF-8 would cost every metric of a push.
func TestTextsOfTheEmbedderAreRepaired(t *testing.T) {
	rig := newRig(t)
	m := rig.MeterProvider().Meter("embedder\xff", metric.WithInstrumentationVersion("1\xff"), metric.WithSchemaURL("https://\xff"))
	counter, err := m.Int64Counter("embedder.jobs", metric.WithDescription("Jobs\xff."))
	if err != nil {
		t.Fatal(err)
	}
	counter.Add(t.Context(), 1)
	var data metricdata.ResourceMetrics
	if err := rig.readers[0].Collect(t.Context(), &data); err != nil {
		t.Fatal(err)
	}
	for _, scope := range data.ScopeMetrics {
		if !strings.HasPrefix(scope.Scope.Name, "embedder") {
			continue
		}
		for _, text := range []string{scope.Scope.Name, scope.Scope.Version, scope.Scope.SchemaURL, scope.Metrics[0].Description} {
			if !strings.Contains(text, "\uFFFD") || strings.Contains(text, "\xff") && strings.ToValidUTF8(text, "") != text {
				t.Errorf("%q was not repaired", text)
			}
		}
		return
	}
	t.Error("the scope is missing")
}

// paperJam is an error whose methods do what those of an embedder's may.
type paperJam struct {
	cause error
	takes time.Duration
}

func (e *paperJam) Error() string { time.Sleep(e.takes); return "paper jam: " + e.cause.Error() }
func (e *paperJam) Unwrap() error { return e.cause }

func TestCallbacksOfTheEmbedderThatFail(t *testing.T) {
	tests := []struct {
		name   string
		fail   func(context.Context, metric.Observer, metric.Int64Observable) error
		reason string
	}{
		{"panic", func(context.Context, metric.Observer, metric.Int64Observable) error { panic("out of paper") }, "panic"},
		{"Goexit", func(context.Context, metric.Observer, metric.Int64Observable) error { runtime.Goexit(); return nil }, "panic"},
		{"nil option", func(_ context.Context, o metric.Observer, i metric.Int64Observable) error {
			o.ObserveInt64(i, 1, nil)
			return nil
		}, "panic"},
		{"error", func(context.Context, metric.Observer, metric.Int64Observable) error { return errors.New("no ink") }, "error"},
		{"error that is a nil pointer", func(context.Context, metric.Observer, metric.Int64Observable) error {
			var none *paperJam
			return none
		}, "panic"},
		{"error with a text that takes long", func(context.Context, metric.Observer, metric.Int64Observable) error {
			return &paperJam{errors.New("tray 2"), time.Minute}
		}, "timeout"},
		{"error of a deadline", func(context.Context, metric.Observer, metric.Int64Observable) error {
			return &paperJam{context.DeadlineExceeded, 0}
		}, "timeout"},
		{"hang", func(ctx context.Context, _ metric.Observer, _ metric.Int64Observable) error {
			time.Sleep(time.Minute)
			return ctx.Err()
		}, "timeout"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rig := newRig(t)
				m := rig.MeterProvider().Meter("printer")
				gauge, err := m.Int64ObservableGauge("printer.pages")
				if err != nil {
					t.Fatal(err)
				}
				failing := false
				registration, err := m.RegisterCallback(func(ctx context.Context, o metric.Observer) error {
					o.ObserveInt64(gauge, 5, at)
					if failing {
						o.ObserveInt64(gauge, 6, at)
						return test.fail(ctx, o, gauge)
					}
					return nil
				}, gauge)
				if err != nil {
					t.Fatal(err)
				}
				for _, failing = range []bool{false, true, false, true} {
					began := time.Now()
					got := rig.collect(t)
					if took := time.Since(began); took > maxPatience {
						t.Errorf("the collection took %v", took)
					}
					got.check(t, "printer.pages", one{"room=a": 5})
					if got["telltale_instruments_refused_total"] == nil {
						t.Error("a declared metric is missing")
					}
					time.Sleep(time.Hour)
					synctest.Wait()
				}
				failing = false
				synctest.Wait()
				rig.collect(t)
				got := rig.collect(t)["telltale_callback_failures_total"]["callback=printer,reason="+test.reason]
				if got != 2 {
					t.Errorf("counted %v failures, want 2", got)
				}
				if err := registration.Unregister(); err != nil {
					t.Error(err)
				}
				rig.collect(t).check(t, "printer.pages", nil)
			})
		})
	}
}

// Instruments and registrations made inside a callback cost it its turn at
// most. The locks are the SDK's, so that time is real here.
func TestCallbacksOfTheEmbedderThatMeddle(t *testing.T) {
	tests := []struct {
		name   string
		meddle func(metric.Meter, metric.Registration) error
	}{
		{"create", func(m metric.Meter, _ metric.Registration) error {
			_, err := m.Int64Counter("printer.created")
			return err
		}},
		{"create an observable", func(m metric.Meter, _ metric.Registration) error {
			_, err := m.Int64ObservableCounter("printer.created", metric.WithInt64Callback(observeInt64))
			return err
		}},
		{"unregister", func(_ metric.Meter, r metric.Registration) error { return r.Unregister() }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			rig := newRig(t)
			m := rig.MeterProvider().Meter("printer")
			gauge, err := m.Int64ObservableGauge("printer.pages")
			if err != nil {
				t.Fatal(err)
			}
			var registration metric.Registration
			meddled := make(chan error, 1)
			calls := 0
			registration, err = m.RegisterCallback(func(context.Context, metric.Observer) error {
				if calls++; calls == 1 {
					meddled <- test.meddle(m, registration)
				}
				return nil
			}, gauge)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			if got := rig.collectFrom(t, 0, ctx); got["telltale_instruments_refused_total"] == nil {
				t.Error("a declared metric is missing")
			}
			if err := <-meddled; err != nil {
				t.Error(err)
			}
			rig.collect(t)
		})
	}
}

// A callback that was left behind must not write into a later collection.
func TestLeftBehindCallbackObservesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rig := newRig(t)
		m := rig.MeterProvider().Meter("printer")
		counter, err := m.Int64ObservableCounter("printer.pages")
		if err != nil {
			t.Fatal(err)
		}
		proceed := make(chan struct{})
		_, err = m.RegisterCallback(func(_ context.Context, o metric.Observer) error {
			o.ObserveInt64(counter, 1, at)
			<-proceed
			o.ObserveInt64(counter, 1, at)
			return nil
		}, counter)
		if err != nil {
			t.Fatal(err)
		}
		rig.collect(t).check(t, "printer.pages", nil)
		proceed <- struct{}{}
		synctest.Wait()
		close(proceed)
		rig.collect(t).check(t, "printer.pages", one{"room=a": 2}) // as the SDK: what is observed twice adds up
	})
}

// A name that the embedder has taken meanwhile cannot be declared later.
func TestLateDeclarationOfAForeignName(t *testing.T) {
	scratch(t)
	rig := newRig(t)
	counter, err := rig.MeterProvider().Meter("embedder").Int64Counter("test.late")
	if err != nil {
		t.Fatal(err)
	}
	counter.Add(t.Context(), 3)
	late := Must(DeclareGauge(spec("test_late")))
	for range 3 { // told and counted once
		late.In(rig.Registry).Set(1)
		rig.Observe("late", func(_ context.Context, o *Observation) { late.Observe(o, 1) })
	}
	rig.collect(t)
	got := rig.collect(t)
	got.check(t, "test.late", one{"": 3})
	got.check(t, "test_late", nil)
	got.check(t, "telltale_instruments_refused_total", one{"reason=declared": 0, "reason=conflict": 1, "reason=invalid": 0})
	if lines := rig.log.lines(); len(lines) != 1 || !strings.Contains(lines[0], `clashes with the counter \"test.late\" of scope \"embedder\"`) {
		t.Errorf("logged %q", lines)
	}
}
