package health

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"testing"
	"time"
)

func TestReportsDoNotAllocate(t *testing.T) {
	tr := newTracker(t, WithInterval(time.Hour))
	ok, failing := declare(t, tr, "ok"), declare(t, tr, "failing")
	down := errors.New("down")
	ok.OK()
	failing.Fail(down)
	tr.journal.drain(time.Minute)
	for name, report := range map[string]func(){
		"OK":              ok.OK,
		"Skip":            ok.Skip,
		"Fail":            func() { failing.Fail(down) },
		"Fail(nil)":       func() { failing.Fail(nil) },
		"Component.State": func() { ok.State() },
		"Tracker.State":   func() { tr.State() },
		"nil":             (*Component)(nil).OK,
	} {
		if got := testing.AllocsPerRun(1000, report); got != 0 {
			t.Errorf("%s: got %v allocations, want none", name, got)
		}
	}
}

func BenchmarkOK(b *testing.B) {
	c := declare(b, newTracker(b), "auth")
	c.OK()
	b.ReportAllocs()
	for b.Loop() {
		c.OK()
	}
}

func BenchmarkFailAgain(b *testing.B) {
	c := declare(b, newTracker(b), "auth")
	err := errors.New("down")
	c.Fail(err)
	b.ReportAllocs()
	for b.Loop() {
		c.Fail(err)
	}
}

// Each goroutine has a component of its own, as it is in a program.
func BenchmarkOKParallel(b *testing.B) {
	tr := newTracker(b)
	names := make(chan string, 100)
	for i := range 100 {
		names <- fmt.Sprint("c", i)
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		c := tr.Component(<-names)
		for pb.Next() {
			c.OK()
		}
	})
}

func benchmarkSizes(b *testing.B, f func(b *testing.B, tr *Tracker)) {
	for _, n := range []int{1, 10, 100, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			tr := newTracker(b, WithInterval(time.Hour))
			for i := range n {
				declare(b, tr, fmt.Sprint("c", i)).OK()
			}
			b.ReportAllocs()
			f(b, tr)
		})
	}
}

func BenchmarkSnapshot(b *testing.B) {
	benchmarkSizes(b, func(b *testing.B, tr *Tracker) {
		for b.Loop() {
			tr.Snapshot()
		}
	})
}

func BenchmarkReady(b *testing.B) {
	benchmarkSizes(b, func(b *testing.B, tr *Tracker) {
		h, r := tr.ReadyHandler(), httptest.NewRequest("GET", "/readyz", nil)
		for b.Loop() {
			h.ServeHTTP(httptest.NewRecorder(), r)
		}
	})
}

func BenchmarkLive(b *testing.B) {
	h, r := LiveHandler(), httptest.NewRequest("GET", "/healthz", nil)
	b.ReportAllocs()
	for b.Loop() {
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
}

// Every change costs the same, however many components there are.
func BenchmarkChange(b *testing.B) {
	benchmarkSizes(b, func(b *testing.B, tr *Tracker) {
		c := declare(b, tr, "auth")
		for b.Loop() {
			c.Fail(nil)
			c.OK()
		}
	})
}
