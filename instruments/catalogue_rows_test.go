package instruments

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// oneSentence begins with a capital letter and has its only full stop at the
// end, but for abbreviations of measures and paths with a dot inside a word.
var oneSentence = regexp.MustCompile(`^[A-Z](?:[^.]|\.[^ ])*\.$`)

func TestTextsOfDeclarations(t *testing.T) {
	helps := make(map[string]string)
	for _, d := range packageRows() {
		if !oneSentence.MatchString(d.Help) {
			t.Errorf("%s: help %q: want one sentence", d.Name, d.Help)
		}
		if !oneSentence.MatchString(d.When) {
			t.Errorf("%s: when %q: want one sentence", d.Name, d.When)
		}
		if d.Help == d.When {
			t.Errorf("%s: help and when are the same", d.Name)
		}
		if other, ok := helps[d.Help]; ok {
			t.Errorf("%s and %s have the same help", d.Name, other)
		}
		helps[d.Help] = d.Name
		if d.Component == "" {
			t.Errorf("%s: no component", d.Name)
		}
	}
}

func TestNamesOfDeclarationsAreUnique(t *testing.T) {
	exposed := make(map[string]string)
	for _, d := range packageRows() {
		for _, name := range d.Kind.exposes(strings.ToLower(d.Name)) {
			if other, ok := exposed[name]; ok {
				t.Errorf("%s and %s both expose %s", d.Name, other, name)
			}
			exposed[name] = d.Name
		}
	}
}

// What is the agent's own follows the conventions; documented names are given.
func TestNamesOfOwnMetrics(t *testing.T) {
	suffixes := map[string][]string{ // by unit
		"s": {"_seconds"},
		"1": {"_up", "_ratio", "_info"},
	}
	for _, d := range packageRows() {
		own := strings.HasPrefix(d.Name, "telltale_")
		if own != (d.Component == selfComponent) {
			t.Errorf("%s: component %q: the agent's own, and only those, begin with telltale_", d.Name, d.Component)
		}
		if !own {
			continue
		}
		if counter := d.Kind == KindCounter; counter != strings.HasSuffix(d.Name, "_total") {
			t.Errorf("%s: a %s: counters, and only those, end in _total", d.Name, d.Kind)
		}
		if d.Name != strings.ToLower(d.Name) {
			t.Errorf("%s: want lower case", d.Name)
		}
		endings, ok := suffixes[d.Unit]
		if ok && !slices.ContainsFunc(endings, func(s string) bool { return strings.HasSuffix(d.Name, s) }) {
			t.Errorf("%s: unit %q: want an ending of %q", d.Name, d.Unit, endings)
		}
	}
}

func TestUnitsOfDeclarations(t *testing.T) {
	want := []string{"s", "By", "%", "1"}
	for _, d := range packageRows() {
		if !slices.Contains(want, d.Unit) && !annotation.MatchString(d.Unit) {
			t.Errorf("%s: unit %q: want one of %q, or what is counted, in braces", d.Name, d.Unit, want)
		}
		if d.Kind == KindCounter && (d.Unit == "%" || d.Unit == "1") {
			t.Errorf("%s: unit %q: say what the counter counts", d.Name, d.Unit)
		}
	}
}

func TestBucketsOfDeclarations(t *testing.T) {
	for _, d := range packageRows() {
		if err := checkBuckets(d.Kind, d.Buckets); err != nil {
			t.Errorf("%s: %v", d.Name, err)
		}
	}
}

// What All hands out may be changed without harm.
func TestDeclarationsAreCopies(t *testing.T) {
	for d := range All() {
		for i := range d.Buckets {
			d.Buckets[i] = -1
		}
		for i := range d.Labels {
			d.Labels[i] = "changed"
		}
		for _, values := range d.Known {
			for i := range values {
				values[i] = "changed"
			}
		}
	}
	for d := range All() {
		if slices.Contains(d.Buckets, -1) || slices.Contains(d.Labels, "changed") ||
			slices.ContainsFunc(d.Known, func(v []string) bool { return slices.Contains(v, "changed") }) {
			t.Errorf("%s: changed through a copy", d.Name)
		}
	}
}
