package agent

import (
	"context"
	"time"

	"github.com/telltale-agent/telltale/health"
	"github.com/telltale-agent/telltale/instruments"
)

// observeHealth makes the tracker's snapshot the source of process_state and of
// the component metrics. /readyz reads the same kind of snapshot, so that the
// two never disagree.
func observeHealth(reg *instruments.Registry, tracker *health.Tracker) {
	reg.ObserveDirect("health", func(_ context.Context, o *instruments.Observation) {
		snapshot := tracker.Snapshot()
		instruments.ProcessState.Observe(o, float64(snapshot.State))
		for _, c := range snapshot.Components {
			observeComponent(o, c)
		}
	})
}

func observeComponent(o *instruments.Observation, c health.ComponentStatus) {
	of := instruments.Component{Component: c.Name}
	instruments.ComponentState.Observe(o, float64(c.State), of)
	instruments.ComponentLastOK.Observe(o, timestamp(c.LastOK), of)
	for _, heartbeats := range []struct {
		result instruments.HeartbeatResult
		count  uint64
	}{
		{instruments.HeartbeatOK, c.OKs},
		{instruments.HeartbeatFail, c.Fails},
		{instruments.HeartbeatSkip, c.Skips},
	} {
		instruments.ComponentHeartbeats.Observe(o, float64(heartbeats.count),
			instruments.Heartbeat{Component: c.Name, Result: heartbeats.result})
	}
	for state, count := range c.Transitions {
		instruments.ComponentTransitions.Observe(o, float64(count),
			instruments.ComponentTransition{Component: c.Name, State: health.State(state).String()})
	}
}

// timestamp is t in seconds since 1970, and 0 for what has not happened.
func timestamp(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixNano()) / 1e9
}
