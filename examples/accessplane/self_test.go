package main

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// self is what the process knows about itself. The test and the plane are one
// process, so that it must be what both exits say of the runtime and the system.
type self struct {
	runtime.MemStats
	goroutines, threads, files float64
	cpu, started               float64 // seconds
	resident, virtual          float64 // bytes
	mostFiles, mostVirtual     float64
	pauses                     debug.GCStats
}

func lookAtSelf(t *testing.T) (s self) {
	t.Helper()
	runtime.ReadMemStats(&s.MemStats)
	debug.ReadGCStats(&s.pauses)
	s.goroutines = float64(runtime.NumGoroutine())
	s.threads = float64(pprof.Lookup("threadcreate").Count())
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	s.files = float64(len(files))
	stat := statOfSelf(t)
	const ticks = 100 // in a second, on every Linux
	s.cpu = (stat[13] + stat[14]) / ticks
	s.started = bootTime(t) + stat[21]/ticks
	s.virtual, s.resident = stat[22], stat[23]*float64(os.Getpagesize())
	s.mostFiles = softLimit(t, syscall.RLIMIT_NOFILE)
	s.mostVirtual = softLimit(t, syscall.RLIMIT_AS)
	return s
}

// statOfSelf are the fields of /proc/self/stat, see proc(5), where they are
// counted from 1. What is no number is 0.
func statOfSelf(t *testing.T) []float64 {
	t.Helper()
	text, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		t.Fatal(err)
	}
	_, afterName, _ := bytes.Cut(text, []byte(") "))
	numbers := make([]float64, 2, 60)
	for field := range strings.FieldsSeq(string(afterName)) {
		n, _ := strconv.ParseFloat(field, 64)
		numbers = append(numbers, n)
	}
	return numbers
}

func bootTime(t *testing.T) float64 {
	t.Helper()
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "btime ")
	line, _, _ := strings.Cut(after, "\n")
	seconds, err := strconv.ParseFloat(line, 64)
	if err != nil {
		t.Fatal(err)
	}
	return seconds
}

func softLimit(t *testing.T, which int) float64 {
	t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(which, &limit); err != nil {
		t.Fatal(err)
	}
	return float64(limit.Cur)
}

// between wants what the process said of itself just before the exit was read,
// or just after, or something in between: right for what never falls.
func between(value func(self) float64) want { return near(0, value) }

// near is between for what goes up and down: it may be off by a share of it.
func near(share float64, value func(self) float64) want {
	return func(s seen) error {
		a, b := value(s.around[0]), value(s.around[1])
		low, high := min(a, b), max(a, b)
		slack := share*high + 1e-9*math.Abs(high) // the latter for what is added up in another order
		return within(low-slack, high+slack)(s)
	}
}

// paused wants the pauses of the garbage collector, as between does.
func paused(s seen) error {
	before, after := s.around[0].pauses, s.around[1].pauses
	low, high := before.PauseTotal.Seconds(), after.PauseTotal.Seconds()
	if s.kind != "summary" || s.count < uint64(before.NumGC) || s.count > uint64(after.NumGC) || s.sum < low-1e-9 || s.sum > high+1e-9 {
		return fmt.Errorf("got %d pauses of %v seconds, want %d to %d and %v to %v", s.count, s.sum, before.NumGC, after.NumGC, low, high)
	}
	return nil
}

// both wants what both want.
func both(one, other want) want {
	return func(s seen) error {
		if err := one(s); err != nil {
			return err
		}
		return other(s)
	}
}

func lastGC(s self) float64 { return float64(s.LastGC) / 1e9 }
