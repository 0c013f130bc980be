package main

import (
	"fmt"
	"log/slog"

	"github.com/telltale-agent/telltale/health"
)

// maxHeartbeat is what one report may cost, in nanoseconds.
const maxHeartbeat = 200

func heartbeatRows(e effort) ([]row, error) {
	tracker := health.New(health.WithLogger(slog.New(slog.DiscardHandler)))
	defer tracker.Close()
	var rows []row
	for _, s := range heartbeats(tracker) {
		n := calibrate(s, 1, e.each)
		var nanos []float64
		for range e.rounds {
			nanos = append(nanos, timeOf(s, 1, n))
		}
		allocs := allocsOf(s, n)
		rows = append(rows, row{
			what:    "heartbeat report, " + s.name,
			ours:    duration(median(nanos)) + ", " + count(allocs),
			bound:   fmt.Sprintf("≤ %d ns, 0 allocs", maxHeartbeat),
			verdict: judge(median(nanos) <= maxHeartbeat && allocs < 0.01),
		})
	}
	return rows, nil
}

func heartbeats(tracker *health.Tracker) []subject {
	component := tracker.Component("bench")
	component.OK()
	return []subject{
		{"ok", func(n int) {
			for range n {
				component.OK()
			}
		}},
		{"skip", func(n int) {
			for range n {
				component.Skip()
			}
		}},
	}
}
