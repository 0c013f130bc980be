package instruments

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func TestDeclarationRules(t *testing.T) {
	type unexported struct {
		//lint:ignore U1000 that nothing can read it is the point
		room string `label:"room"`
	}
	type untagged struct{ Room string }
	type number struct {
		Room int `label:"room"`
	}
	type twice struct {
		Room string `label:"room"`
		Row  string `label:"room"`
	}
	type dotted struct {
		Room string `label:"room.name"`
	}
	type dunder struct {
		Room string `label:"__name__"`
	}
	type overflowing struct {
		Room string `label:"otel_metric_overflow"`
	}
	type scoped struct {
		Name string `label:"otel_scope_name"`
	}
	type bound struct {
		Le string `label:"le"`
	}
	with := func(change func(*Spec)) Spec {
		s := spec("test_metric")
		change(&s)
		return s
	}
	counter := func(s Spec) func() error { return func() error { _, err := DeclareCounter(s); return err } }
	histogram := func(s Spec) func() error { return func() error { _, err := DeclareHistogram(s); return err } }
	name := func(name string) func() error { return counter(spec(name)) }
	const badName = "the name cannot come out exactly: use a letter, then letters, digits and underscores, at most 255"
	tests := []struct {
		name    string
		declare func() error
		want    string
	}{
		{"empty name", name(""), badName},
		{"leading digit", name("1x"), badName},
		{"leading underscore", name("_x"), badName},
		{"dot", name("a.b"), badName},
		{"colon", name("a:b"), badName},
		{"dash", name("a-b"), badName},
		{"newline", name("a\n"), badName},
		{"not ASCII", name("größe"), badName},
		{"too long", name("a" + strings.Repeat("b", 255)), badName},
		{"the resource's", name("target_info"), "the name is reserved for the attributes of the resource"},
		{"unit", counter(with(func(s *Spec) { s.Unit = "seconds" })), `unit "seconds" is not known`},
		{"compound unit", counter(with(func(s *Spec) { s.Unit = "By/fortnight" })), `unit "By/fortnight" is not known`},
		{"no help", counter(with(func(s *Spec) { s.Help = "" })), "the help must be one line of UTF-8 text"},
		{"two lines of help", counter(with(func(s *Spec) { s.Help = "a\nb" })), "the help must be one line of UTF-8 text"},
		{"help is not text", counter(with(func(s *Spec) { s.Help = "a\xff" })), "the help must be one line of UTF-8 text"},
		{"counter with buckets", counter(buckets("test_metric", 1)), "a counter has no buckets"},
		{"histogram without", histogram(spec("test_metric")), "a histogram needs its buckets"},
		{"descending", histogram(buckets("test_metric", 1, 3, 2)), "bucket 2 is 2: bounds must be finite and ascend"},
		{"equal", histogram(buckets("test_metric", 1, 1)), "bucket 1 is 1: bounds must be finite and ascend"},
		{"NaN bound", histogram(buckets("test_metric", math.NaN())), "bucket 0 is NaN: bounds must be finite and ascend"},
		{"infinite bound", histogram(buckets("test_metric", 1, math.Inf(1))), "bucket 1 is +Inf: bounds must be finite and ascend"},
		{"labels are no struct", func() error { _, err := DeclareCounterBy[string](spec("test_metric")); return err }, "labels string: want a struct with a field for each label"},
		{"no labels", func() error { _, err := DeclareGaugeBy[struct{}](spec("test_metric")); return err }, "labels struct {}: want a struct with a field for each label"},
		{"unexported field", func() error { _, err := DeclareCounterBy[unexported](spec("test_metric")); return err }, "field room: want an exported string with a tag"},
		{"no tag", func() error { _, err := DeclareCounterBy[untagged](spec("test_metric")); return err }, "field Room: want an exported string with a tag"},
		{"field is a number", func() error { _, err := DeclareCounterBy[number](spec("test_metric")); return err }, "field Room: want an exported string with a tag"},
		{"label twice", func() error { _, err := DeclareCounterBy[twice](spec("test_metric")); return err }, `label "room" stands there twice`},
		{"dotted label", func() error { _, err := DeclareCounterBy[dotted](spec("test_metric")); return err }, `label "room.name" cannot come out exactly`},
		{"reserved by Prometheus", func() error { _, err := DeclareCounterBy[dunder](spec("test_metric")); return err }, `label "__name__" cannot come out exactly`},
		{"label of the overflow series", func() error { _, err := DeclareGaugeBy[overflowing](spec("test_metric")); return err }, `label "otel_metric_overflow" is reserved`},
		{"label of the scope", func() error { _, err := DeclareGaugeBy[scoped](spec("test_metric")); return err }, `label "otel_scope_name" is reserved`},
		{"le of a histogram", func() error { _, err := DeclareHistogramBy[bound](buckets("test_metric", 1)); return err }, `label "le" is reserved`},
		{"known twice", func() error {
			_, err := DeclareCounterBy(spec("test_metric"), shelf{"a", "1"}, shelf{"a", "1"})
			return err
		}, `known label set ["a" "1"]: the sets must differ and be UTF-8 text of at most 256 bytes`},
		{"known is not text", func() error {
			_, err := DeclareHistogramBy(buckets("test_metric", 1), shelf{"a", "\xff"})
			return err
		}, "known label set"},
		{"known is too long", func() error {
			_, err := DeclareGaugeBy(spec("test_metric"), shelf{"a", strings.Repeat("x", 257)})
			return err
		}, "known label set"},
		{"several faults in one line", counter(Spec{Name: "a b", Unit: "parsec"}),
			`use a UCUM unit such as s, By, % or 1, or an annotation such as {request}; the help must be`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			scratch(t)
			before := len(theCatalogue.snapshot())
			err := test.declare()
			if err == nil {
				t.Fatal("the declaration was accepted")
			}
			if got := err.Error(); !strings.Contains(got, test.want) || strings.Contains(got, "\n") ||
				!strings.HasPrefix(got, "declare ") || !strings.Contains(got, " at instruments/catalogue_test.go:") {
				t.Errorf("got error %q, want one line with %q", got, test.want)
			}
			if after := len(theCatalogue.snapshot()); after != before {
				t.Errorf("the catalogue grew from %d to %d rows", before, after)
			}
		})
	}
}

func TestAcceptedDeclarations(t *testing.T) {
	scratch(t)
	for _, unit := range []string{"", "1", "%", "s", "By", "By/s", "{request}", "{request}/min"} {
		s := spec(fmt.Sprintf("test_%d", len(theCatalogue.snapshot())))
		s.Unit = unit
		if _, err := DeclareCounter(s); err != nil {
			t.Error(err)
		}
	}
	if _, err := DeclareGauge(spec("T" + strings.Repeat("a", 254))); err != nil {
		t.Error(err)
	}
}

// line gives the place of its call as error messages name it, some lines away.
func line(away int) string {
	_, _, line, _ := runtime.Caller(1)
	return fmt.Sprintf("instruments/catalogue_test.go:%d", line+away)
}

func TestClashesNameBothPlaces(t *testing.T) {
	type declare func(name string) (site string, err error)
	kinds := map[string]declare{
		"counter":   func(name string) (string, error) { _, err := DeclareCounter(spec(name)); return line(0), err },
		"counters":  func(name string) (string, error) { _, err := DeclareCounterBy[shelf](spec(name)); return line(0), err },
		"gauge":     func(name string) (string, error) { _, err := DeclareGauge(spec(name)); return line(0), err },
		"gauges":    func(name string) (string, error) { _, err := DeclareGaugeBy[shelf](spec(name)); return line(0), err },
		"histogram": func(name string) (string, error) { _, err := DeclareHistogram(buckets(name, 1)); return line(0), err },
		"histograms": func(name string) (string, error) {
			_, err := DeclareHistogramBy[shelf](buckets(name, 1))
			return line(-1), err
		},
	}
	tests := []struct {
		name          string
		first, second string
		kind          string
	}{
		{"counter", "test_x", "test_x", "counter"},
		{"counter", "test_x", "TEST_x", "counters"},
		{"counter", "test_x", "test_x", "gauge"},
		{"gauge", "test_x", "test_x", "histogram"},
		{"gauges", "test_x", "test_x", "counter"},
		{"histogram", "test_x", "test_x_count", "counter"},
		{"histogram", "test_x", "test_x_sum", "gauges"},
		{"histograms", "test_x", "test_x_bucket", "counter"},
		{"histogram", "Test_X", "test_x_COUNT", "histogram"},
		{"counter", "test_x_count", "test_x", "histogram"},
		{"counters", "test_x_bucket", "test_x", "histograms"},
	}
	for _, test := range tests {
		t.Run(test.name+" "+test.first+" then "+test.kind+" "+test.second, func(t *testing.T) {
			scratch(t)
			first, err := kinds[test.name](test.first)
			if err != nil {
				t.Fatal(err)
			}
			second, err := kinds[test.kind](test.second)
			want := fmt.Sprintf("declare %s %q at %s: clashes with the %s %q declared at %s: choose another name",
				strings.TrimSuffix(test.kind, "s"), test.second, second, strings.TrimSuffix(test.name, "s"), test.first, first)
			if err == nil || err.Error() != want {
				t.Errorf("got error  %v\nwant       %s", err, want)
			}
		})
	}
}

func TestNoClash(t *testing.T) {
	scratch(t)
	Must(DeclareHistogram(buckets("test_x", 1)))
	Must(DeclareCounter(spec("test_x_total")))
	Must(DeclareCounter(spec("test_x_count_total")))
	Must(DeclareGauge(spec("test_y")))
	Must(DeclareCounter(spec("test_y_count"))) // a gauge occupies nothing but its name
}

func TestClashesOfSummariesAndExternalRows(t *testing.T) {
	scratch(t)
	summary(spec("test_pause"))
	external(KindHistogram, buckets("test_latency", 1), "test.latency", "route")
	for _, name := range []string{"test_pause_sum", "test_pause_count", "test_pause", "test_latency_bucket"} {
		_, err := DeclareGauge(spec(name))
		if err == nil || !strings.Contains(err.Error(), "declared at instruments/catalogue_test.go:") {
			t.Errorf("declaring %s gave %v", name, err)
		}
	}
	if _, err := DeclareGauge(spec("test_pause_bucket")); err != nil {
		t.Error(err)
	}
}

func TestMustPanicsWithTheError(t *testing.T) {
	scratch(t)
	defer func() {
		err, _ := recover().(error)
		if err == nil || !strings.Contains(err.Error(), `declare counter "9" at instruments/catalogue_test.go:`) {
			t.Errorf("Must panicked with %v", err)
		}
	}()
	Must(DeclareCounter(spec("9")))
	t.Error("Must returned")
}

// A program that goes on after an error must not record into another metric.
func TestRefusedDeclarationsRecordNothing(t *testing.T) {
	scratch(t)
	rig := newRig(t)
	before := rig.collect(t)
	counter, _ := DeclareCounter(spec("a b"))
	counters, _ := DeclareCounterBy[shelf](spec("a b"))
	gauge, _ := DeclareGauge(spec("a b"))
	gauges, _ := DeclareGaugeBy[shelf](spec("a b"))
	histogram, _ := DeclareHistogram(spec("a b"))
	histograms, _ := DeclareHistogramBy[shelf](spec("a b"))
	r := rig.Registry
	counter.In(r).Inc()
	counters.In(r).Add(1, shelf{})
	gauge.In(r).Set(1)
	gauges.In(r).Set(1, shelf{})
	histogram.In(r).Record(1)
	histograms.In(r).Record(1, shelf{})
	rig.Observe("test", func(_ context.Context, o *Observation) {
		counter.Observe(o, 1)
		counters.Observe(o, 1, shelf{})
		gauge.Observe(o, 1)
		gauges.Observe(o, 1, shelf{})
	})
	after := rig.collect(t)
	for name := range after {
		after.check(t, name, before[name])
	}
	for _, d := range []Declaration{
		counter.Declaration(), counters.Declaration(), gauge.Declaration(), gauges.Declaration(),
		histogram.Declaration(), histograms.Declaration(),
	} {
		if d.Name != "" || d.Kind != 0 {
			t.Errorf("a refused declaration gives %+v", d)
		}
	}
}

func TestDeclarationsShareNoMemory(t *testing.T) {
	scratch(t)
	bounds := []float64{1, 2}
	known := []shelf{{"a", "1"}}
	d := Must(DeclareHistogramBy(buckets("test_histogram", bounds...), known...))
	bounds[0], known[0] = 99, shelf{"z", "z"}
	got := d.Declaration()
	got.Labels[0], got.Known[0][0], got.Buckets[1] = "x", "x", 99
	rig := newRig(t)
	for _, zero := range rig.ZeroHistograms() {
		if zero.Name == "test_histogram" && (labelString(zero.Sets[0]) != "room=a,row=1" || !slices.Equal(zero.Buckets, []float64{1, 2})) {
			t.Errorf("the row was changed from outside: %+v", zero)
		}
	}
	got = d.Declaration()
	if !slices.Equal(got.Labels, []string{"room", "row"}) || got.Known[0][0] != "a" || !slices.Equal(got.Buckets, []float64{1, 2}) {
		t.Errorf("the row was changed from outside: %+v", got)
	}
}

func TestAllGivesTheOrderOfDeclaration(t *testing.T) {
	scratch(t)
	Must(DeclareCounter(spec("test_b")))
	Must(DeclareCounter(spec("test_a")))
	var names []string
	for d := range All() {
		names = append(names, d.Name)
	}
	if n := len(names); n < 2 || names[n-2] != "test_b" || names[n-1] != "test_a" {
		t.Errorf("All ends with %q", names[max(0, len(names)-2):])
	}
	for d := range All() {
		if d.Name == "" {
			t.Error("a row without a name")
		}
		break // leaving early must be possible
	}
}
