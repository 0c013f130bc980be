package exporters

import (
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// TestPushCutsLongLabels lets an embedder's instrument take the text of a whole
// request for a label: over gRPC a collector would take nothing of such a push.
func TestPushCutsLongLabels(t *testing.T) {
	bothProtocols(t, func(t *testing.T, protocol string) {
		collector := startReceiver(t, protocol, nil)
		a := newAgent(t, Target{URL: collector.url()})
		huge, err := a.reg.MeterProvider().Meter("embedder").Int64Counter("huge")
		if err != nil {
			t.Fatal(err)
		}
		huge.Add(t.Context(), 5, metric.WithAttributes(attribute.String("body", strings.Repeat("x", 5<<20))))
		for range 2 { // a push does not see its own cuts
			if err := a.pushes[0].ForceFlush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		got := collector.last(t)
		if v := got.value(t, "huge"); v != 5 {
			t.Errorf("huge %v, want 5", v)
		}
		if n := got.value(t, "telltale_label_values_altered_total"); n != 1 {
			t.Errorf("%v cuts counted, want 1", n)
		}
	})
}

// TestCutSet covers every type that can be long.
func TestCutSet(t *testing.T) {
	long := strings.Repeat("x", 5<<20)
	set, cut := cutSet(attribute.NewSet(attribute.String("a", "short"), attribute.Int("b", 1),
		attribute.String("c", long), attribute.StringSlice("d", []string{"short", long})))
	want := attribute.NewSet(attribute.String("a", "short"), attribute.Int("b", 1),
		attribute.String("c", long[:maxLabelValue]), attribute.StringSlice("d", []string{"short", long[:maxLabelValue]}))
	if !cut || !set.Equals(&want) {
		t.Errorf("got %v (%t)", set, cut)
	}
	if again, cut := cutSet(want); cut || !again.Equals(&want) {
		t.Errorf("what is short became %v", again)
	}
}
