package main

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/telltale-agent/telltale/health"
)

// BenchmarkRecord lets the usual tools (benchstat, profiles) at the subjects.
func BenchmarkRecord(b *testing.B) {
	pairs, err := comparePairs()
	if err != nil {
		b.Fatal(err)
	}
	measured := map[string]bool{}
	for _, p := range pairs {
		for _, s := range []subject{p.ours, p.peer} {
			name := p.what + "/" + s.name
			if measured[name] {
				continue
			}
			measured[name] = true
			b.Run(name, func(b *testing.B) {
				b.ReportAllocs()
				s.do(b.N)
			})
			b.Run(name+"/parallel", func(b *testing.B) {
				b.ReportAllocs()
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						s.do(1)
					}
				})
			})
		}
	}
}

func BenchmarkHeartbeat(b *testing.B) {
	tracker := health.New(health.WithLogger(slog.New(slog.DiscardHandler)))
	defer tracker.Close()
	for _, s := range heartbeats(tracker) {
		b.Run(s.name, func(b *testing.B) {
			b.ReportAllocs()
			s.do(b.N)
		})
	}
}

func BenchmarkScrape(b *testing.B) {
	h, err := ourHandler(10_000)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	scrapes("ours", h).do(b.N)
}

// The table is complete even when there is hardly any time to measure.
func TestTable(t *testing.T) {
	var out bytes.Buffer
	e := effort{rounds: 1, each: 100 * time.Microsecond, series: []int{20}}
	if err := run(&out, e, []string{"record", "heartbeat", "scrape", "aim"}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| counter Inc, resolved, 1 goroutine(s) |", "| atomic add |", "client_golang WithLabelValues", "SDK WithAttributes",
		"| histogram (16 bounds), resolved, 2 goroutine(s) |", "| heartbeat report, ok |", "| scrape of 20 series |", "VictoriaMetrics/metrics",
		"| part of a histogram's record, 2 goroutine(s): atomic cells", "| part of a scrape of 20 series: up to the SDK's collection |",
		"\n\nHistograms cost ", "\n\nOf a scrape ",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, &out)
		}
	}
}

// Every handler that is compared shows the same series.
func TestHandlersShowTheSame(t *testing.T) {
	const series = 30
	ours, err := ourHandler(series)
	if err != nil {
		t.Fatal(err)
	}
	sdk, err := sdkHandler(series)
	if err != nil {
		t.Fatal(err)
	}
	for name, h := range map[string]http.Handler{"ours": ours, "SDK": sdk, "client_golang": promHandler(series), "VictoriaMetrics": victoriaHandler(series)} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
		if got := strings.Count(w.Body.String(), "\nbench_requests_total{"); got < series-1 || w.Code != 200 {
			t.Errorf("%s: status %d, %d series", name, w.Code, got)
		}
		if !strings.Contains(w.Body.String(), `bench_requests_total{method="PUT",path="/items/7"} 1`) {
			t.Errorf("%s lacks a series", name)
		}
	}
}

func TestMedian(t *testing.T) {
	for _, row := range []struct {
		values []float64
		want   float64
	}{{[]float64{3}, 3}, {[]float64{3, 1, 2}, 2}, {[]float64{4, 1, 3, 2}, 2.5}} {
		if got := median(row.values); got != row.want {
			t.Errorf("median of %v is %v, want %v", row.values, got, row.want)
		}
	}
}

func TestVerdicts(t *testing.T) {
	for _, row := range []struct {
		ratios []float64
		want   verdict
	}{
		{[]float64{0.9, 1, 1.5}, held},
		{[]float64{0.9, 1.03, 1.04, 1.05}, notHeld},
		{[]float64{1.01, 1.01, 1.01}, equal},
		{[]float64{0.9, 0.99, 1.05, 1.06, 1.07}, equal},
		{[]float64{1.1, 1.2, 1.3}, notHeld},
	} {
		if got := judgeRatios(row.ratios, 1); got != row.want {
			t.Errorf("%v: %s, want %s", row.ratios, got, row.want)
		}
	}
}

// What is measured is what make build builds.
func TestBuildTags(t *testing.T) {
	makefile, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	if want := "\nTAGS := " + buildTags + "\n"; !strings.Contains(string(makefile), want) {
		t.Errorf("the Makefile lacks the line %q", strings.TrimSpace(want))
	}
}

func TestCommandFootprint(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the command")
	}
	c, err := build(telltale(), "..", "./cmd/telltale", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	found, err := measureInTurn(effort{starts: 2}, c)
	if err != nil {
		t.Fatal(err)
	}
	if f := found[0]; len(f.starts) != 1 || f.starts[0] <= 0 || f.resident < 1e6 || f.binary < 1e6 {
		t.Errorf("measured %+v", f)
	}
	// The one bound that no other work on the machine moves.
	if found[0].binary > maxBinary {
		t.Errorf("the binary has %.0f bytes, want %.0f at most", found[0].binary, maxBinary)
	}
	rows := footprintRows(found[0], &found[0])
	for i, want := range []string{"start", "memory", "binary"} {
		if !strings.Contains(rows[i].what, want) || len(rows[i].ratios) == 0 || rows[i].ratios[0] != 1 {
			t.Errorf("row %d is %+v", i, rows[i])
		}
	}
}
