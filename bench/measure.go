package main

import (
	"fmt"
	"runtime"
	"sync"
	"time"
)

// subject is something to be measured: do performs an operation n times. It may
// be called from several goroutines at once.
type subject struct {
	name string
	do   func(n int)
}

// pair compares one of ours with a peer.
type pair struct {
	what       string
	ours, peer subject
	goroutines int
	atMost     float64 // ratio; 0 if it is only for show
	free       bool    // ours must not allocate
}

// samples are what rounds of a pair have given.
type samples struct {
	ours, peer, ratios    []float64 // nanoseconds, and their ratios
	ourAllocs, peerAllocs float64
}

// measure takes both sides by turns, and adds what it finds to s.
func (p pair) measure(each time.Duration, rounds int, s *samples) {
	ourN, peerN := calibrate(p.ours, p.goroutines, each), calibrate(p.peer, p.goroutines, each)
	for range rounds {
		a := timeOf(p.ours, p.goroutines, ourN)
		b := timeOf(p.peer, p.goroutines, peerN)
		s.ours, s.peer, s.ratios = append(s.ours, a), append(s.peer, b), append(s.ratios, a/b)
	}
	s.ourAllocs = max(s.ourAllocs, allocsOf(p.ours, ourN))
	s.peerAllocs = max(s.peerAllocs, allocsOf(p.peer, peerN))
}

func (p pair) row(s samples) row {
	r := row{
		what: p.what, peerName: p.peer.name, ratios: s.ratios, verdict: forShow, bound: "shown",
		ours: duration(median(s.ours)) + ", " + count(s.ourAllocs),
		peer: duration(median(s.peer)) + ", " + count(s.peerAllocs),
	}
	if p.atMost > 0 {
		r.bound = fmt.Sprintf("≤ %g", p.atMost)
		if r.verdict = judgeRatios(s.ratios, p.atMost); p.free && s.ourAllocs >= 0.01 {
			r.verdict = notHeld
		}
	}
	if p.free {
		r.bound += ", 0 allocs"
	}
	return r
}

// calibrate finds how many operations take about that long.
func calibrate(s subject, goroutines int, about time.Duration) int {
	for n := 1; ; n *= 2 {
		nanos := timeOf(s, goroutines, n) * float64(n)
		if nanos >= float64(about)/4 || n >= 1<<28 {
			return max(1, int(float64(n)*float64(about)/nanos))
		}
	}
}

// timeOf gives nanoseconds for each of n operations that the goroutines share.
func timeOf(s subject, goroutines, n int) float64 {
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	share := (n + goroutines - 1) / goroutines
	for range goroutines {
		ready.Add(1)
		done.Go(func() {
			ready.Done()
			<-start
			s.do(share)
		})
	}
	ready.Wait()
	runtime.GC()
	began := time.Now()
	close(start)
	done.Wait()
	return float64(time.Since(began)) / float64(share*goroutines)
}

// allocsOf gives the allocations of one operation.
func allocsOf(s subject, n int) float64 {
	n = min(n, 10_000)
	s.do(1)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	s.do(n)
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / float64(n)
}

func duration(nanos float64) string {
	switch {
	case nanos < 1e3:
		return fmt.Sprintf("%.1f ns", nanos)
	case nanos < 1e6:
		return fmt.Sprintf("%.1f µs", nanos/1e3)
	default:
		return fmt.Sprintf("%.1f ms", nanos/1e6)
	}
}

func count(allocs float64) string {
	if allocs < 0.5 {
		return "0 allocs"
	}
	return fmt.Sprintf("%.0f allocs", allocs)
}
