// Package goruntime makes the go_* metrics move: goroutines, threads, memory
// and garbage collection of the process, read from the Go runtime whenever
// somebody collects. Between collections it costs nothing.
//
// The metrics of the heap come from one reading of runtime/metrics and add up;
// nothing stops the world. They agree with runtime.MemStats, whose field names
// they carry.
package goruntime

import (
	"context"
	"runtime"
	"runtime/debug"
	"sync"

	"github.com/telltale-agent/telltale/instruments"
)

// Observe makes the runtime of this process the source of all go_* metrics in
// reg, until the returned function is called. Several registries may observe
// it at once. With a nil registry it does nothing. The returned function may be
// called more than once.
//
// A metric that the Go version at hand cannot provide is absent.
func Observe(reg *instruments.Registry) (stop func()) {
	s := newSource()
	stopSource := reg.ObserveDirect("goruntime", s.observe)
	stopPauses := instruments.GoGCPauses.Observe(reg, new(pauses).read)
	return func() {
		stopSource()
		stopPauses()
	}
}

// source reads everything but the summary. The registry never calls it twice
// at once; the lock keeps that an assumption which nothing depends on.
type source struct {
	mu     sync.Mutex // guards the fields below, which are reused by each reading
	memory memory
	gc     debug.GCStats
}

func newSource() *source { return &source{memory: newMemory()} }

func (s *source) observe(_ context.Context, o *instruments.Observation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.memory.observe(o)

	threads, _ := runtime.ThreadCreateProfile(nil)
	instruments.GoThreads.Observe(o, float64(threads))
	// The goroutines in runtime/metrics include the runtime's own.
	instruments.GoGoroutines.Observe(o, float64(runtime.NumGoroutine()))
	instruments.GoInfo.Observe(o, 1, instruments.GoVersion{Version: runtime.Version()})

	debug.ReadGCStats(&s.gc)
	instruments.GoLastGCTime.Observe(o, float64(s.gc.LastGC.UnixNano())/1e9)
	instruments.GoLookups.Observe(o, 0)
}
