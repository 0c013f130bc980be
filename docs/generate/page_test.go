package main

import (
	"bytes"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/telltale-agent/telltale/instruments"
)

var update = flag.Bool("update", false, "write docs/metrics.md instead of comparing with it")

const page = "../metrics.md"

func TestPageIsUpToDate(t *testing.T) {
	want := metricsPage(slices.Collect(instruments.All()))
	if *update {
		if err := run([]string{page}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("docs/metrics.md differs from the declarations: run make generate")
	}
}

func TestEveryDeclarationHasOneRow(t *testing.T) {
	text := string(metricsPage(slices.Collect(instruments.All())))
	for d := range instruments.All() {
		if n := strings.Count(text, "\n| `"+d.Name+"`"); n != 1 {
			t.Errorf("%s has %d rows, want 1", d.Name, n)
		}
		if d.When == "" || d.Recorder == "" || d.Component == "" {
			t.Errorf("%s does not say when and by whom it is recorded, or of what it tells", d.Name)
		}
	}
}

func TestTablesAreWellFormed(t *testing.T) {
	columns := 0
	for line := range strings.Lines(string(metricsPage(slices.Collect(instruments.All())))) {
		if !strings.HasPrefix(line, "|") {
			columns = 0
			continue
		}
		n := strings.Count(strings.ReplaceAll(line, `\|`, ""), "|")
		if columns == 0 {
			columns = n
		}
		if n != columns {
			t.Errorf("row with %d bars in a table of %d: %s", n, columns, line)
		}
	}
}

func TestCells(t *testing.T) {
	d := instruments.Declaration{
		Name:    "requests_seconds",
		Kind:    instruments.KindHistogram,
		Labels:  []string{"store", "code"},
		Known:   [][]string{{"a|b", "ok"}, {"c", "ok"}},
		Buckets: []float64{0.5, 1},
		SemConv: "requests.seconds",
	}
	lists := collectBuckets([]instruments.Declaration{{Buckets: []float64{1}}, d})
	for _, row := range []struct{ name, got, want string }{
		{"labels", labelCell(d), "`store`: `a\\|b`, `c`<br>`code`: `ok`"},
		{"kind", kindCell(d, lists), "histogram, [buckets B](#buckets)"},
		{"name", nameCell(d), "`requests_seconds`<br>OTLP: `requests.seconds`"},
		{"recorder", recorderCell("instruments/etcd"), "[`instruments/etcd`](../instruments/etcd/)"},
		{"no recorder", recorderCell(""), ""},
		{"no unit", unitCell(""), ""},
		{"prose", text("a|b <c> *"), `a\|b &lt;c> \*`},
		{"bounds", numbers(d.Buckets), "0.5, 1"},
	} {
		if row.got != row.want {
			t.Errorf("%s: got %s, want %s", row.name, row.got, row.want)
		}
	}
}

func TestRunNeedsOneFile(t *testing.T) {
	if err := run(nil); err == nil {
		t.Error("no error without a file to write")
	}
}
