//go:build linux

package process

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/telltale-agent/telltale/instruments"
	"github.com/telltale-agent/telltale/instruments/instrumentstest"
)

// collect returns the values of all metrics of this package by name.
func collect(tb testing.TB, exit *instrumentstest.Exit) instrumentstest.Values {
	tb.Helper()
	return exit.Collect(tb).With("process_")
}

func observed(tb testing.TB) *instrumentstest.Exit {
	tb.Helper()
	exit := instrumentstest.New(tb)
	if _, err := Observe(exit.Registry); err != nil {
		tb.Fatal(err)
	}
	collect(tb, exit) // takes the memory and the descriptors that the first one takes
	return exit
}

// between tries until ours is between two readings of a reference, which only
// a change of direction between them can prevent.
func between(t *testing.T, name string, read func() (before, ours, after float64)) {
	t.Helper()
	var before, ours, after float64
	for range 50 {
		before, ours, after = read()
		if min(before, after) <= ours && ours <= max(before, after) {
			return
		}
	}
	t.Errorf("%s: got %v, want between %v and %v", name, ours, before, after)
}

func TestEveryDeclaredMetricIsReported(t *testing.T) {
	got := collect(t, observed(t))
	for d := range instruments.All() {
		if !strings.HasPrefix(d.Name, "process_") || d.Name == "process_state" {
			continue
		}
		if _, ok := got[d.Name]; !ok {
			t.Errorf("%s is declared, but not reported", d.Name)
		}
		delete(got, d.Name)
	}
	for name := range got {
		t.Errorf("%s is reported, but not declared", name)
	}
}

func TestAgreesWithClientGolang(t *testing.T) {
	reference := prometheus.NewRegistry()
	reference.MustRegister(collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	gather := func() map[string]float64 {
		families, err := reference.Gather()
		if err != nil {
			t.Fatal(err)
		}
		values := make(map[string]float64)
		for _, f := range families {
			m := f.GetMetric()[0]
			values[f.GetName()] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
		return values
	}
	exit := observed(t)
	gather()
	for name := range collect(t, exit) {
		if _, ok := gather()[name]; !ok {
			t.Errorf("client_golang does not have %s", name)
			continue
		}
		if name == "process_open_fds" && !sizeCounts(t) {
			continue // client_golang counts the descriptor that it lists with
		}
		between(t, name, func() (float64, float64, float64) {
			before := gather()[name]
			ours := collect(t, exit)[name]
			return before, ours, gather()[name]
		})
	}
}

// sizeCounts reports whether the kernel tells the number of open descriptors.
func sizeCounts(t *testing.T) bool {
	t.Helper()
	info, err := os.Stat("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return info.Size() > 0
}

func TestCPUTimeAgreesWithRusage(t *testing.T) {
	exit := observed(t)
	used := func() float64 {
		var usage syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
			t.Fatal(err)
		}
		return float64(syscall.TimevalToNsec(usage.Utime)+syscall.TimevalToNsec(usage.Stime)) / 1e9
	}
	// The kernel rounds user and system time down to ticks of 10 ms each.
	before := used() - 0.02
	got := collect(t, exit)["process_cpu_seconds_total"]
	if after := used(); got < before || got > after {
		t.Errorf("got %v, want between %v and %v", got, before, after)
	}
}

// /proc/self/status is no reference: since Linux 6.16 it adds up the counters
// of all processors, which stat does not.
func TestMemoryAgreesWithProc(t *testing.T) {
	exit := observed(t)
	for name, field := range map[string]struct {
		number int // as proc(5) counts the fields of stat
		unit   float64
	}{
		"process_virtual_memory_bytes":  {23, 1},
		"process_resident_memory_bytes": {24, float64(os.Getpagesize())},
	} {
		between(t, name, func() (float64, float64, float64) {
			before := statField(t, field.number) * field.unit
			ours := collect(t, exit)[name]
			return before, ours, statField(t, field.number) * field.unit
		})
	}
}

func statField(t *testing.T, number int) float64 {
	t.Helper()
	text, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		t.Fatal(err)
	}
	const first = 3 // after the name, which may hold anything
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	n, err := strconv.ParseFloat(fields[number-first], 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestOpenDescriptors(t *testing.T) {
	const name, more = "process_open_fds", 25
	exit := observed(t)
	before := collect(t, exit)[name]
	if again := collect(t, exit)[name]; again != before {
		t.Errorf("got %v, then %v without a change", before, again)
	}
	files := make([]*os.File, more)
	for i := range files {
		f, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		files[i] = f
	}
	if got := collect(t, exit)[name]; got != before+more {
		t.Errorf("got %v after opening %d, want %v", got, more, before+more)
	}
	for _, f := range files {
		f.Close()
	}
	if got := collect(t, exit)[name]; got != before {
		t.Errorf("got %v after closing them, want %v", got, before)
	}
}

// Where the kernel does not tell the number, listing gives the same.
func TestListingDoesNotCountItself(t *testing.T) {
	numbers := 0
	for fd := range 1024 {
		var stat syscall.Stat_t
		if syscall.Fstat(fd, &stat) == nil {
			numbers++
		}
	}
	got, err := listFDs("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	if got != int64(numbers) {
		t.Errorf("got %d, want %d", got, numbers)
	}
	if open, err := openFDs("/proc/self/fd"); err != nil || open != got {
		t.Errorf("got %d, %v from openFDs, want %d", open, err, got)
	}
}

func TestDescriptorsThatCannotBeCounted(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "fd")
	if _, err := openFDs(missing); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("openFDs: got %v, want %v", err, os.ErrNotExist)
	}
	if _, err := listFDs(missing); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("listFDs: got %v, want %v", err, os.ErrNotExist)
	}
}

func TestLimitsAgreeWithTheKernel(t *testing.T) {
	got := collect(t, observed(t))
	for name, resource := range map[string]int{
		"process_max_fds":                  syscall.RLIMIT_NOFILE,
		"process_virtual_memory_max_bytes": syscall.RLIMIT_AS,
	} {
		var limit syscall.Rlimit
		if err := syscall.Getrlimit(resource, &limit); err != nil {
			t.Fatal(err)
		}
		if got[name] != float64(limit.Cur) {
			t.Errorf("%s: got %v, want %v", name, got[name], float64(limit.Cur))
		}
	}
}

func TestStopTakesEverythingAway(t *testing.T) {
	exit := instrumentstest.New(t)
	stop, err := Observe(exit.Registry)
	if err != nil {
		t.Fatal(err)
	}
	if got := collect(t, exit); len(got) == 0 {
		t.Fatal("got nothing before stop")
	}
	stop()
	stop()
	if got := collect(t, exit); len(got) != 0 {
		t.Errorf("got %v after stop, want nothing", got)
	}
}

func TestNilRegistry(t *testing.T) {
	stop, err := Observe(nil)
	if err != nil {
		t.Fatal(err)
	}
	stop()
}

func TestSeveralRegistriesAtOnce(t *testing.T) {
	var collecting sync.WaitGroup
	for range 3 {
		exit := observed(t)
		for range 2 {
			collecting.Go(func() {
				for range 10 {
					if got := collect(t, exit); got["process_open_fds"] == 0 {
						t.Error("got no process_open_fds")
					}
				}
			})
		}
	}
	collecting.Wait()
}
