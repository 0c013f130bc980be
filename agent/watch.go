package agent

import (
	"context"
	"time"

	"github.com/telltale-agent/telltale/health"
)

// selfComponent is what a standalone agent declares when it has nothing else to
// watch: its own loop.
const selfComponent = "agent"

// watch starts a loop for each component that the agent checks itself.
func (a *Agent) watch(context.Context) error {
	ctx, cancel := context.WithCancel(context.Background())
	a.stopWatching = cancel
	for _, c := range a.plan.checks {
		a.loop(ctx, a.health.Component(c.name), c.probe.Run)
	}
	if a.plan.standalone && len(a.plan.Components)+len(a.plan.checks) == 0 {
		a.loop(ctx, a.health.Component(selfComponent), func(context.Context) error { return nil })
	}
	return nil
}

func (a *Agent) loop(ctx context.Context, c *health.Component, check func(context.Context) error) {
	a.watching.Go(func() {
		// A loop ends only with ctx: there is no error to tell anybody.
		_ = c.Run(ctx, func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(ctx, checkTimeout(a.plan.Heartbeat))
			defer cancel()
			return check(ctx)
		})
	})
}

// checkTimeout leaves a check less than its interval, so that a peer that hangs
// is a failed check and not silence.
func checkTimeout(interval time.Duration) time.Duration { return interval - interval/10 }

// awaitWatching waits until the loops are gone.
func (a *Agent) awaitWatching(ctx context.Context) error {
	return bounded(ctx, func(context.Context) error {
		a.watching.Wait()
		return nil
	})
}
