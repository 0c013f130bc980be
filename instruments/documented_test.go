package instruments

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// documented are the facts of testdata/documented.tsv, which holds what the
// operators' documentation promises about each metric. It is data, and not
// made from the declarations: whoever changes one has to change the other.
func documented(t *testing.T) map[string]Declaration {
	t.Helper()
	text, err := os.ReadFile("testdata/documented.tsv")
	if err != nil {
		t.Fatal(err)
	}
	facts := make(map[string]Declaration)
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	for i, line := range lines[1:] {
		columns := strings.Split(line, "\t")
		if len(columns) != 7 {
			t.Fatalf("testdata/documented.tsv:%d: got %d columns, want 7", i+2, len(columns))
		}
		d := Declaration{Name: columns[0], Kind: kindNamed(t, columns[1]), Unit: columns[2], Component: columns[6]}
		d.Labels = listed(columns[3], ",")
		for _, value := range listed(columns[4], "|") {
			d.Known = append(d.Known, []string{value})
		}
		for _, bound := range listed(columns[5], ",") {
			v, err := strconv.ParseFloat(bound, 64)
			if err != nil {
				t.Fatalf("testdata/documented.tsv:%d: %v", i+2, err)
			}
			d.Buckets = append(d.Buckets, v)
		}
		facts[d.Name] = d
	}
	if len(facts) != len(lines)-1 {
		t.Fatalf("testdata/documented.tsv: got %d names in %d rows", len(facts), len(lines)-1)
	}
	return facts
}

func kindNamed(t *testing.T, name string) Kind {
	t.Helper()
	for k := KindCounter; k <= KindSummary; k++ {
		if k.String() == name {
			return k
		}
	}
	t.Fatalf("unknown kind %q", name)
	return 0
}

func listed(text, separator string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, separator)
}

// undocumented says why a declaration may be missing from the list.
func undocumented(d Declaration) string {
	switch {
	case strings.HasPrefix(d.Name, "telltale_"):
		return "the agent's own"
	case d.SemConv != "":
		return "OpenTelemetry's semantic conventions"
	}
	return ""
}

// packageRows are the declarations of this package's own files, without what
// tests declare in addition.
func packageRows() []Declaration {
	var rows []Declaration
	for _, r := range theCatalogue.snapshot() {
		if !strings.Contains(r.site, "_test.go:") {
			rows = append(rows, r.clone())
		}
	}
	return rows
}

func TestDocumentedMetricsAreDeclaredAsDocumented(t *testing.T) {
	facts := documented(t)
	if len(facts) != 95 {
		t.Errorf("got %d documented metrics, want 95", len(facts))
	}
	for _, got := range packageRows() {
		want, ok := facts[got.Name]
		if !ok {
			if undocumented(got) == "" {
				t.Errorf("%s is declared, but neither documented nor the agent's own", got.Name)
			}
			continue
		}
		delete(facts, got.Name)
		t.Run(got.Name, func(t *testing.T) { compareFacts(t, got, want) })
	}
	for name := range facts {
		t.Errorf("%s is documented, but not declared", name)
	}
}

func compareFacts(t *testing.T, got, want Declaration) {
	t.Helper()
	if got.Kind != want.Kind {
		t.Errorf("kind: got %s, want %s", got.Kind, want.Kind)
	}
	if got.Unit != want.Unit {
		t.Errorf("unit: got %q, want %q", got.Unit, want.Unit)
	}
	if got.Component != want.Component {
		t.Errorf("component: got %q, want %q", got.Component, want.Component)
	}
	if !slices.Equal(got.Labels, want.Labels) {
		t.Errorf("labels: got %q, want %q", got.Labels, want.Labels)
	}
	if !slices.EqualFunc(got.Known, want.Known, slices.Equal[[]string]) {
		t.Errorf("known label values: got %q, want %q", got.Known, want.Known)
	}
	if !slices.Equal(got.Buckets, want.Buckets) {
		t.Errorf("buckets: got %v, want %v", got.Buckets, want.Buckets)
	}
}

func TestOnlyWhatIsReadAtCollectionIsSampled(t *testing.T) {
	for _, d := range packageRows() {
		want := strings.HasPrefix(d.Name, "go_") || strings.HasPrefix(d.Name, "process_") ||
			strings.HasPrefix(d.Name, "telltale_component_")
		if d.Sampled != want {
			t.Errorf("%s: sampled: got %t, want %t", d.Name, d.Sampled, want)
		}
	}
}

// The list of what OpenTelemetry's runtime instrumentation records.
func TestSemanticConventionRows(t *testing.T) {
	want := map[string]string{
		"go_memory_used":        "go.memory.used gauge By go_memory_type",
		"go_memory_limit":       "go.memory.limit gauge By ",
		"go_memory_allocated":   "go.memory.allocated counter By ",
		"go_memory_allocations": "go.memory.allocations counter {allocation} ",
		"go_memory_gc_goal":     "go.memory.gc.goal gauge By ",
		"go_goroutine_count":    "go.goroutine.count gauge {goroutine} ",
		"go_processor_limit":    "go.processor.limit gauge {thread} ",
		"go_config_gogc":        "go.config.gogc gauge % ",
	}
	for _, d := range packageRows() {
		if d.SemConv == "" {
			continue
		}
		got := strings.Join([]string{d.SemConv, d.Kind.String(), d.Unit, strings.Join(d.Labels, ",")}, " ")
		if got != want[d.Name] {
			t.Errorf("%s: got %q, want %q", d.Name, got, want[d.Name])
		}
		delete(want, d.Name)
	}
	for name := range want {
		t.Errorf("%s is not declared", name)
	}
}
