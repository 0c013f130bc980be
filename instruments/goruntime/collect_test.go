package goruntime_test

import (
	"strings"
	"testing"

	"github.com/telltale-agent/telltale/instruments/instrumentstest"
)

// collect returns the values of all go_* metrics by name.
func collect(tb testing.TB, exit *instrumentstest.Exit) map[string]float64 {
	tb.Helper()
	values := make(map[string]float64)
	for series, value := range exit.Collect(tb).With("go_") {
		name, _, _ := strings.Cut(series, "{")
		if _, again := values[name]; again {
			tb.Errorf("%s: got several points, want 1", name)
		}
		values[name] = value
	}
	return values
}
