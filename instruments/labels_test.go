package instruments

import (
	"context"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestLabelValuesAreCleaned(t *testing.T) {
	long := strings.Repeat("a", 255)
	tests := []struct {
		name, value, want string
		altered           string
	}{
		{"empty", "", "", ""},
		{"text", "größe", "größe", ""},
		{"control characters and quotes are text", "a\n\"b\"\x00", "a\n\"b\"\x00", ""},
		{"longest", long + "b", long + "b", ""},
		{"one byte too long", long + "bc", long + "b", "too_long"},
		{"character across the edge", long + "ß", long, "too_long"},
		{"four bytes across the edge", long[:253] + "😀", long[:253], "too_long"},
		{"four bytes up to the edge", long[:252] + "😀", long[:252] + "😀", ""},
		{"megabytes", strings.Repeat("x", 5<<20), strings.Repeat("x", 256), "too_long"},
		{"invalid", "a\xffb", "a\uFFFDb", "invalid_utf8"},
		{"run of invalid bytes", "a\xff\xfe\xfdb", "a\uFFFDb", "invalid_utf8"},
		{"invalid beyond the cut", strings.Repeat("a", 300) + "\xff", strings.Repeat("a", 256), "too_long"},
		{"grows by the repair", strings.Repeat("\xffa", 128), strings.Repeat("\uFFFDa", 64), "invalid_utf8"},
		{"nothing but continuation bytes", strings.Repeat("\x80", 400), "\uFFFD", "invalid_utf8"},
		{"surrogate half", "\xed\xa0\x80", "\uFFFD", "invalid_utf8"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			scratch(t)
			counters := Must(DeclareCounterBy[shelf](spec("test_counters")))
			gauges := Must(DeclareGaugeBy[shelf](sampled("test_gauges")))
			rig := newRig(t)
			counters.In(rig.Registry).Add(1, shelf{"r", test.value})
			rig.Observe("test", func(_ context.Context, o *Observation) { gauges.Observe(o, 1, shelf{"r", test.value}) })
			rig.collect(t) // what the source does to the counter shows in the next one
			got := rig.collect(t)
			want := one{"room=r,row=" + test.want: 1}
			got.check(t, "test_counters", want)
			got.check(t, "test_gauges", want)
			var altered one
			if test.altered != "" {
				altered = one{
					"metric=test_counters,reason=" + test.altered: 1,
					"metric=test_gauges,reason=" + test.altered:   2,
				}
			}
			got.check(t, "telltale_label_values_altered_total", altered)
		})
	}
}

// What was altered is one series with what needed no alteration.
func TestCleanedLabelValuesMeet(t *testing.T) {
	scratch(t)
	gauges := Must(DeclareGaugeBy[shelf](spec("test_gauges")))
	rig := newRig(t)
	live := gauges.In(rig.Registry)
	if live.At(shelf{"r", "\xff"}) != live.At(shelf{"r", "\uFFFD"}) {
		t.Error("a cleaned label set has a series of its own")
	}
	live.Set(1, shelf{"r", "\xff"})
	live.Forget(shelf{"r", "\xfe"})
	rig.collect(t).check(t, "test_gauges", nil)
}

func FuzzLabelValue(f *testing.F) {
	for _, seed := range []string{"", "plain", "\xff", strings.Repeat("ß", 200), strings.Repeat("\xf0\x9f", 300)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		got, change := cleanLabelValue(value)
		if !utf8.ValidString(got) {
			t.Errorf("%q is not UTF-8", got)
		}
		if len(got) > maxLabelValue {
			t.Errorf("%q has %d bytes", got, len(got))
		}
		if again, changed := cleanLabelValue(got); again != got || changed != unaltered {
			t.Errorf("cleaning %q again gives %q (%s)", got, again, changed)
		}
		fine := utf8.ValidString(value) && len(value) <= maxLabelValue
		if fine != (change == unaltered) || fine && got != value {
			t.Errorf("%q becomes %q (%q)", value, got, change)
		}
		if valid := utf8.ValidString(value); valid && !strings.HasPrefix(value, got) {
			t.Errorf("%q is not the beginning of %q", got, value)
		}
		// Of valid text no more is cut than the last character takes.
		if utf8.ValidString(value) && len(value) > maxLabelValue && len(got) <= maxLabelValue-utf8.UTFMax {
			t.Errorf("%q was cut to %d bytes", value, len(got))
		}
	})
}
