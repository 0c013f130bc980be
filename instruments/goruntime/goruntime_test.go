package goruntime_test

import (
	"context"
	"math"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/telltale-agent/telltale/instruments"
	"github.com/telltale-agent/telltale/instruments/goruntime"
	"github.com/telltale-agent/telltale/instruments/instrumentstest"
)

// quiesce leaves the heap to the test: what follows is only what the test does.
func quiesce(t *testing.T) {
	t.Helper()
	percent := debug.SetGCPercent(-1)
	limit := debug.SetMemoryLimit(math.MaxInt64)
	t.Cleanup(func() {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(limit)
	})
	// The heap gets memory that is free and not yet given back, so that no term
	// of a sum is 0 by chance.
	spare := make([][]byte, 64)
	for i := range spare {
		spare[i] = make([]byte, 1<<20)
	}
	runtime.KeepAlive(spare)
	runtime.GC()
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
	exit := instrumentstest.New(t)
	goruntime.Observe(exit.Registry)
	got := collect(t, exit)
	for _, summary := range exit.Summaries(context.Background()) {
		got[summary.Name] = float64(summary.Count)
	}
	for d := range instruments.All() {
		if !strings.HasPrefix(d.Name, "go_") || d.SemConv != "" {
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

func TestMemoryAgreesWithMemStats(t *testing.T) {
	fields := map[string]func(*runtime.MemStats) float64{
		"go_memstats_alloc_bytes":         func(m *runtime.MemStats) float64 { return float64(m.Alloc) },
		"go_memstats_alloc_bytes_total":   func(m *runtime.MemStats) float64 { return float64(m.TotalAlloc) },
		"go_memstats_buck_hash_sys_bytes": func(m *runtime.MemStats) float64 { return float64(m.BuckHashSys) },
		"go_memstats_frees_total":         func(m *runtime.MemStats) float64 { return float64(m.Frees) },
		"go_memstats_gc_sys_bytes":        func(m *runtime.MemStats) float64 { return float64(m.GCSys) },
		"go_memstats_heap_alloc_bytes":    func(m *runtime.MemStats) float64 { return float64(m.HeapAlloc) },
		"go_memstats_heap_idle_bytes":     func(m *runtime.MemStats) float64 { return float64(m.HeapIdle) },
		"go_memstats_heap_inuse_bytes":    func(m *runtime.MemStats) float64 { return float64(m.HeapInuse) },
		"go_memstats_heap_objects":        func(m *runtime.MemStats) float64 { return float64(m.HeapObjects) },
		"go_memstats_heap_released_bytes": func(m *runtime.MemStats) float64 { return float64(m.HeapReleased) },
		"go_memstats_heap_sys_bytes":      func(m *runtime.MemStats) float64 { return float64(m.HeapSys) },
		"go_memstats_last_gc_time_seconds": func(m *runtime.MemStats) float64 {
			return float64(m.LastGC) / 1e9
		},
		"go_memstats_lookups_total":      func(m *runtime.MemStats) float64 { return float64(m.Lookups) },
		"go_memstats_mallocs_total":      func(m *runtime.MemStats) float64 { return float64(m.Mallocs) },
		"go_memstats_mcache_inuse_bytes": func(m *runtime.MemStats) float64 { return float64(m.MCacheInuse) },
		"go_memstats_mcache_sys_bytes":   func(m *runtime.MemStats) float64 { return float64(m.MCacheSys) },
		"go_memstats_mspan_inuse_bytes":  func(m *runtime.MemStats) float64 { return float64(m.MSpanInuse) },
		"go_memstats_mspan_sys_bytes":    func(m *runtime.MemStats) float64 { return float64(m.MSpanSys) },
		"go_memstats_next_gc_bytes":      func(m *runtime.MemStats) float64 { return float64(m.NextGC) },
		"go_memstats_other_sys_bytes":    func(m *runtime.MemStats) float64 { return float64(m.OtherSys) },
		"go_memstats_stack_inuse_bytes":  func(m *runtime.MemStats) float64 { return float64(m.StackInuse) },
		"go_memstats_stack_sys_bytes":    func(m *runtime.MemStats) float64 { return float64(m.StackSys) },
		"go_memstats_sys_bytes":          func(m *runtime.MemStats) float64 { return float64(m.Sys) },
	}
	exit := instrumentstest.New(t)
	goruntime.Observe(exit.Registry)
	collect(t, exit) // takes the memory that the first collection takes
	quiesce(t)
	var stats runtime.MemStats
	if runtime.ReadMemStats(&stats); stats.HeapIdle == stats.HeapReleased {
		t.Error("no memory is free: the sums are not put to the test")
	}

	for name, field := range fields {
		between(t, name, func() (float64, float64, float64) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			ours := collect(t, exit)
			runtime.ReadMemStats(&after)
			return field(&before), ours[name], field(&after)
		})
	}
	for d := range instruments.All() {
		_, compared := fields[d.Name]
		if strings.HasPrefix(d.Name, "go_memstats_") && !compared && d.Name != "go_memstats_gc_cpu_fraction" {
			t.Errorf("%s is compared with nothing", d.Name)
		}
	}
}

// The runtime adds up CPU time at the end of each garbage collection, so that
// the fraction stands still while none runs.
func TestGCCPUFractionAgreesWithMemStats(t *testing.T) {
	exit := instrumentstest.New(t)
	goruntime.Observe(exit.Registry)
	quiesce(t)
	for range 5 {
		garbage := make([][]byte, 0, 4096)
		for range cap(garbage) {
			garbage = append(garbage, make([]byte, 512))
		}
		runtime.KeepAlive(garbage)
		runtime.GC()
		var want runtime.MemStats
		runtime.ReadMemStats(&want)
		got := collect(t, exit)["go_memstats_gc_cpu_fraction"]
		if got <= 0 || math.Abs(got-want.GCCPUFraction) > 1e-9 {
			t.Errorf("got %v, want %v", got, want.GCCPUFraction)
		}
	}
}

// One collection is one reading: what belongs together adds up to the byte,
// whatever other goroutines do.
func TestOneCollectionAddsUp(t *testing.T) {
	exit := instrumentstest.New(t)
	goruntime.Observe(exit.Registry)
	stop := make(chan struct{})
	var allocating sync.WaitGroup
	allocating.Go(func() {
		for kept := [64][]byte{}; ; {
			select {
			case <-stop:
				return
			default:
				for i := range kept {
					kept[i] = make([]byte, 1<<(i%14))
				}
			}
		}
	})
	defer allocating.Wait()
	defer close(stop)

	for range 20 {
		got := collect(t, exit)
		for _, sum := range []struct {
			name  string
			terms []string
		}{
			{"go_memstats_heap_sys_bytes", []string{"go_memstats_heap_idle_bytes", "go_memstats_heap_inuse_bytes"}},
			{"go_memstats_alloc_bytes", []string{"go_memstats_heap_alloc_bytes"}},
			{"go_memstats_mallocs_total", []string{"go_memstats_frees_total", "go_memstats_heap_objects"}},
		} {
			want := 0.0
			for _, term := range sum.terms {
				want += got[term]
			}
			if got[sum.name] != want {
				t.Errorf("%s: got %v, want %v, the sum of %q", sum.name, got[sum.name], want, sum.terms)
			}
		}
	}
}

func TestGoroutines(t *testing.T) {
	exit := instrumentstest.New(t)
	goruntime.Observe(exit.Registry)
	const name, more = "go_goroutines", 100
	before := collect(t, exit)[name]
	if floor := float64(runtime.NumGoroutine()); before < floor || before > floor+10 {
		t.Errorf("got %v goroutines, want about %v: the runtime's own must not count", before, floor)
	}
	release := make(chan struct{})
	var started, ended sync.WaitGroup
	for range more {
		started.Add(1)
		ended.Go(func() { started.Done(); <-release })
	}
	started.Wait()
	if got := collect(t, exit)[name]; got != before+more {
		t.Errorf("got %v goroutines after %d more, want %v", got, more, before+more)
	}
	close(release)
	ended.Wait()
}

func TestThreads(t *testing.T) {
	exit := instrumentstest.New(t)
	goruntime.Observe(exit.Registry)
	between(t, "go_threads", func() (float64, float64, float64) {
		before, _ := runtime.ThreadCreateProfile(nil)
		ours := collect(t, exit)
		after, _ := runtime.ThreadCreateProfile(nil)
		return float64(before), ours["go_threads"], float64(after)
	})
}

func TestPauses(t *testing.T) {
	exit := instrumentstest.New(t)
	goruntime.Observe(exit.Registry)
	quiesce(t)
	for range 3 {
		runtime.GC()
		want := debug.GCStats{PauseQuantiles: make([]time.Duration, 5)}
		debug.ReadGCStats(&want)
		summaries := exit.Summaries(context.Background())
		if len(summaries) != 1 {
			t.Fatalf("got %d summaries, want 1", len(summaries))
		}
		got := summaries[0]
		if got.Name != "go_gc_duration_seconds" {
			t.Errorf("name: got %s", got.Name)
		}
		if got.Count != uint64(want.NumGC) || got.Sum != want.PauseTotal.Seconds() {
			t.Errorf("got count %d, sum %v, want %d, %v", got.Count, got.Sum, want.NumGC, want.PauseTotal.Seconds())
		}
		var quantiles []instruments.Quantile
		for i, pause := range want.PauseQuantiles {
			quantiles = append(quantiles, instruments.Quantile{Quantile: float64(i) / 4, Value: pause.Seconds()})
		}
		if !slices.Equal(got.Quantiles, quantiles) {
			t.Errorf("got quantiles %v, want %v", got.Quantiles, quantiles)
		}
	}
}

func TestStopTakesEverythingAway(t *testing.T) {
	exit := instrumentstest.New(t)
	stop := goruntime.Observe(exit.Registry)
	if got := collect(t, exit); len(got) == 0 {
		t.Fatal("got nothing before stop")
	}
	stop()
	stop()
	if got := collect(t, exit); len(got) != 0 {
		t.Errorf("got %v after stop, want nothing", got)
	}
	if got := exit.Summaries(context.Background()); len(got) != 0 {
		t.Errorf("got summaries %v after stop, want none", got)
	}
}

func TestNilRegistry(t *testing.T) {
	goruntime.Observe(nil)()
}

func TestSeveralRegistriesAtOnce(t *testing.T) {
	var collecting sync.WaitGroup
	for range 3 {
		exit := instrumentstest.New(t)
		goruntime.Observe(exit.Registry)
		for range 2 {
			collecting.Go(func() {
				for range 10 {
					if got := collect(t, exit); got["go_memstats_sys_bytes"] == 0 {
						t.Errorf("got no go_memstats_sys_bytes")
					}
					if got := exit.Summaries(context.Background()); len(got) != 1 {
						t.Errorf("got %d summaries, want 1", len(got))
					}
				}
			})
		}
	}
	collecting.Wait()
}
