package goruntime

import (
	"runtime/debug"
	"sync"
	"time"

	"github.com/telltale-agent/telltale/instruments"
)

// shares are the quantiles of go_gc_duration_seconds. ReadGCStats fills a slice
// of n+1 durations with the quantiles of n equal steps.
var shares = [...]float64{0, 0.25, 0.5, 0.75, 1}

// pauses reads the summary of how long garbage collections stopped the world.
// The quantiles are those of the last 256 cycles at most; sum and count are
// those of the whole life of the process.
type pauses struct {
	mu    sync.Mutex // guards stats
	stats debug.GCStats
}

func (p *pauses) read() instruments.SummaryPoint {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stats.PauseQuantiles == nil {
		p.stats.PauseQuantiles = make([]time.Duration, len(shares))
	}
	debug.ReadGCStats(&p.stats)

	point := instruments.SummaryPoint{
		Count:     uint64(p.stats.NumGC),
		Sum:       p.stats.PauseTotal.Seconds(),
		Quantiles: make([]instruments.Quantile, len(shares)),
	}
	for i, share := range shares {
		point.Quantiles[i] = instruments.Quantile{Quantile: share, Value: p.stats.PauseQuantiles[i].Seconds()}
	}
	return point
}
