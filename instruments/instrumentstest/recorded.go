package instrumentstest

import (
	"maps"
	"strings"
	"testing"
)

// Recorded returns the series of one collection that are not zero. The sums of
// durations are not among them, since no test can foresee those.
func (e *Exit) Recorded(t testing.TB) Values {
	t.Helper()
	return e.Collect(t).recorded()
}

// recorded takes the others out of v.
func (v Values) recorded() Values {
	maps.DeleteFunc(v, func(series string, value float64) bool {
		name, _, _ := strings.Cut(series, "{")
		return value == 0 || strings.HasSuffix(name, "_seconds_sum")
	})
	return v
}

// WantRecorded fails the test unless these series, and no others, are what
// Recorded returns. Those of which zero is wanted must not be there.
func (e *Exit) WantRecorded(t testing.TB, want Values) {
	t.Helper()
	want = maps.Clone(want)
	maps.DeleteFunc(want, func(_ string, value float64) bool { return value == 0 })
	if got := e.Recorded(t); !maps.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}
