package harness

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Documented is one row of the list of documented metrics.
type Documented struct {
	Name    string
	Kind    string // counter, gauge, histogram or summary
	Unit    string
	Labels  []string
	Values  []string // of the only label, when they are known beforehand
	Const   bool     // the labels are constants of the binary: one series, always there
	Buckets []float64
}

// AtFirst says how many label sets the metric has on the first scrape of a fresh process, at least.
func (d Documented) AtFirst() int {
	switch {
	case len(d.Labels) == 0 || d.Const:
		return 1
	default:
		return len(d.Values)
	}
}

// ReadDocumented reads the product's list of documented metrics.
func ReadDocumented(t testing.TB) []Documented {
	t.Helper()
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(root, "instruments", "testdata", "documented.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	lines.Scan()
	columns := map[string]int{}
	for i, name := range strings.Split(lines.Text(), "\t") {
		columns[name] = i
	}
	var rows []Documented
	for lines.Scan() {
		row, err := parseDocumented(columns, strings.Split(lines.Text(), "\t"))
		if err != nil {
			t.Fatalf("%s: %v", f.Name(), err)
		}
		rows = append(rows, row)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	if len(rows) != 95 {
		t.Fatalf("%s has %d rows, want 95", f.Name(), len(rows))
	}
	return rows
}

func parseDocumented(columns map[string]int, cells []string) (Documented, error) {
	cell := func(name string) string {
		if i, ok := columns[name]; ok && i < len(cells) {
			return cells[i]
		}
		return ""
	}
	d := Documented{Name: cell("name"), Kind: cell("kind"), Unit: cell("unit")}
	if labels := cell("labels"); labels != "" {
		d.Labels = strings.Split(labels, ",")
	}
	if values := cell("label_values"); values != "" {
		d.Values = strings.Split(values, "|")
	}
	// What is always 1 and says something by its labels alone.
	d.Const = strings.HasSuffix(d.Name, "_info")
	for text := range strings.SplitSeq(cell("buckets"), ",") {
		if text == "" {
			continue
		}
		bound, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return d, fmt.Errorf("bucket of %s: %w", d.Name, err)
		}
		d.Buckets = append(d.Buckets, bound)
	}
	return d, nil
}
