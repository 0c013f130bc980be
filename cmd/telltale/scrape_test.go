package main

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/telltale-agent/telltale/instruments"
)

// freshScrape starts the command and returns what its first scrape is answered
// with, once its own component works.
func freshScrape(t *testing.T, accept string) (body []byte, header http.Header) {
	t.Helper()
	d, err := newDaemon(t.TempDir(), "telltale", []string{"start", "--diag-addr=127.0.0.1:0"}, []string{"GOMEMLIMIT=off"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.kill)
	addr, err := d.address()
	if err != nil {
		t.Fatal(err)
	}
	err = eventually(func() error {
		if status, body, err := get("http://" + addr + "/readyz"); err != nil || status != http.StatusOK {
			return fmt.Errorf("not ready: %d %s %w", status, body, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequest(http.MethodGet, "http://"+addr+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", accept)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, err = io.ReadAll(response.Body); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("got %d %v, want 200", response.StatusCode, err)
	}
	return body, response.Header
}

// What differs from one process, machine or moment to the next. The state of the
// process is none of it.
var (
	changing     = regexp.MustCompile(`(?m)^((?:go_|process_[^s]|process_start|telltale_component_(?:heart|last)).*) \S+$`)
	ofThisBinary = regexp.MustCompile(`(gitref|goversion|version)="[^"]*"`)
)

// TestFirstScrape holds everything that a fresh process shows, to the letter but
// for the values that change.
func TestFirstScrape(t *testing.T) {
	body, _ := freshScrape(t, "")
	got := changing.ReplaceAll(body, []byte("$1 …"))
	got = ofThisBinary.ReplaceAll(got, []byte(`$1="…"`))
	const file = "testdata/first_scrape.txt"
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the first scrape differs from %s (go test -update rewrites it); the lines on one side only:\n%s",
			file, difference(string(got), string(want)))
	}
}

// difference lists the lines that only one text has.
func difference(got, want string) string {
	var text strings.Builder
	for _, side := range []struct{ sign, lines, others string }{{"+", got, want}, {"-", want, got}} {
		there := make(map[string]bool)
		for line := range strings.Lines(side.others) {
			there[line] = true
		}
		for line := range strings.Lines(side.lines) {
			if !there[line] {
				text.WriteString(side.sign + line)
			}
		}
	}
	return text.String()
}

// TestDocumentedMetrics compares the first scrape with the list of the
// documented metrics, whatever the scraper asks for.
func TestDocumentedMetrics(t *testing.T) {
	for _, row := range []struct{ name, accept string }{
		{"nothing", ""},
		{"what Prometheus asks for", "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"},
		{"OpenMetrics", "application/openmetrics-text;version=1.0.0"},
		{"protobuf", "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"},
	} {
		t.Run(row.name, func(t *testing.T) {
			body, header := freshScrape(t, row.accept)
			shown := parseScrape(t, body, header)
			for _, d := range readDocumented(t) {
				d.check(t, shown[d.name])
			}
		})
	}
}

func parseScrape(t *testing.T, body []byte, header http.Header) map[string]*dto.MetricFamily {
	t.Helper()
	decoder := expfmt.NewDecoder(bytes.NewReader(body), expfmt.ResponseFormat(header))
	shown := make(map[string]*dto.MetricFamily)
	for {
		family := new(dto.MetricFamily)
		if err := decoder.Decode(family); errors.Is(err, io.EOF) {
			return shown
		} else if err != nil {
			t.Fatal(err)
		}
		if !model.LegacyValidation.IsValidMetricName(family.GetName()) {
			t.Errorf("%q is no name that every Prometheus takes", family.GetName())
		}
		shown[family.GetName()] = family
	}
}

// TestOnlyDeclaredMetrics switches on every experiment that makes parts of
// OpenTelemetry tell about themselves: the environment adds nothing to what is
// declared, also once there was a push.
func TestOnlyDeclaredMetrics(t *testing.T) {
	d, err := newDaemon(t.TempDir(), "telltale",
		[]string{"start", "--diag-addr=127.0.0.1:0", "--otlp=http://127.0.0.1:1", "--push-interval=1s"},
		[]string{"OTEL_GO_X_OBSERVABILITY=true", "OTEL_GO_X_SELF_OBSERVABILITY=true", "OTEL_GO_X_DEPRECATED_RUNTIME_METRICS=true"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.kill)
	addr, err := d.address()
	if err != nil {
		t.Fatal(err)
	}
	var shown map[string]*dto.MetricFamily
	err = eventually(func() error {
		_, body, err := get("http://" + addr + "/metrics")
		if err != nil {
			return err
		}
		shown = parseScrape(t, []byte(body), http.Header{"Content-Type": {"text/plain; version=0.0.4"}})
		if shown["telltale_push_duration_seconds"] == nil {
			return errors.New("no push has ended")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for d := range instruments.All() {
		delete(shown, d.Name)
	}
	for name := range shown {
		t.Errorf("%s is shown, but not declared", name)
	}
}

// documented is one row of the list.
type documented struct {
	name, kind string
	labels     []string
	known      []string // values of the only label
	open       bool     // its label values cannot be known beforehand
	buckets    []float64
}

// ofTheBinary have labels that are constants of the binary.
var ofTheBinary = []string{"go_info", "teleport_build_info"}

func readDocumented(t *testing.T) []documented {
	t.Helper()
	file, err := os.Open("../../instruments/testdata/documented.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	reader := csv.NewReader(file)
	reader.Comma, reader.LazyQuotes = '\t', true
	rows, err := reader.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column := func(row []string, name string) string { return row[slices.Index(rows[0], name)] }
	var list []documented
	for _, row := range rows[1:] {
		d := documented{name: column(row, "name"), kind: column(row, "kind")}
		if labels := column(row, "labels"); labels != "" {
			d.labels = strings.Split(labels, ",")
		}
		if values := column(row, "label_values"); values != "" {
			d.known = strings.Split(values, "|")
		}
		d.open = len(d.labels) > 0 && len(d.known) == 0 && !slices.Contains(ofTheBinary, d.name)
		if buckets := column(row, "buckets"); buckets != "" {
			for bound := range strings.SplitSeq(buckets, ",") {
				value, err := strconv.ParseFloat(bound, 64)
				if err != nil {
					t.Fatal(err)
				}
				d.buckets = append(d.buckets, value)
			}
		}
		list = append(list, d)
	}
	if len(list) != 95 {
		t.Fatalf("%d documented metrics, want 95", len(list))
	}
	return list
}

func (d documented) check(t *testing.T, family *dto.MetricFamily) {
	t.Helper()
	if family == nil {
		if !d.open {
			t.Errorf("%s is not there", d.name)
		}
		return
	}
	if got := strings.ToLower(family.GetType().String()); got != d.kind {
		t.Errorf("%s is a %s, want a %s", d.name, got, d.kind)
	}
	values := make(map[string]bool)
	for _, m := range family.Metric {
		labels := make(map[string]string)
		for _, l := range m.Label {
			labels[l.GetName()] = l.GetValue()
			values[l.GetValue()] = true
		}
		if got := slices.Sorted(maps.Keys(labels)); !slices.Equal(got, slices.Sorted(slices.Values(d.labels))) {
			t.Errorf("%s has the labels %q, want %q", d.name, got, d.labels)
		}
		var bounds []float64
		for _, b := range m.GetHistogram().GetBucket() {
			bounds = append(bounds, b.GetUpperBound())
		}
		if n := len(bounds); n > 0 && bounds[n-1] > 1e300 {
			bounds = bounds[:n-1] // text has infinity among them
		}
		if !slices.Equal(bounds, d.buckets) {
			t.Errorf("%s has the buckets %v, want %v", d.name, bounds, d.buckets)
		}
	}
	for _, known := range d.known {
		if !values[known] {
			t.Errorf("%s does not show %s", d.name, known)
		}
	}
}
