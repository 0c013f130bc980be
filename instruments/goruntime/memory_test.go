package goruntime

import (
	"runtime/metrics"
	"testing"

	"github.com/telltale-agent/telltale/instruments"
)

func TestFraction(t *testing.T) {
	tests := []struct {
		name                     string
		gc, idle, overall, wants float64
	}{
		{"before the first garbage collection", 0, 0, 0, 0},
		{"nothing collected", 0, 0, 10, 0},
		{"idle marking is not counted", 3, 1, 10, 0.2},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := fraction(test.gc, test.idle, test.overall); got != test.wants {
				t.Errorf("got %v, want %v", got, test.wants)
			}
		})
	}
}

// A future version of Go may drop a key; that must not cost more than the
// metrics made of it.
func TestKeyThatTheRuntimeLacks(t *testing.T) {
	samples := []metrics.Sample{{Name: heapObjects}, {Name: "/no/such/key:bytes"}}
	metrics.Read(samples)
	sum := resolvedSum{target: instruments.GoAllocBytes, terms: []*metrics.Sample{&samples[0], &samples[1]}}
	if v, ok := sum.value(); ok {
		t.Errorf("got %v, want no value", v)
	}
	m := memory{gc: &samples[0], gcIdle: &samples[1], overallCPU: &samples[1]}
	if v, ok := m.gcCPUFraction(); ok {
		t.Errorf("got fraction %v, want no value", v)
	}
}

func TestEachKeyIsReadOnce(t *testing.T) {
	m := newMemory()
	seen := make(map[string]bool)
	for _, s := range m.samples {
		if seen[s.Name] {
			t.Errorf("%s is read twice", s.Name)
		}
		seen[s.Name] = true
	}
	for _, sum := range m.sums {
		for _, term := range sum.terms {
			if !seen[term.Name] {
				t.Errorf("%s is not read", term.Name)
			}
		}
	}
}
