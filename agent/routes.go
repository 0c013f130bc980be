package agent

import (
	"context"
	"net/http"
	"time"

	"github.com/telltale-agent/telltale/agent/internal/diag"
	"github.com/telltale-agent/telltale/agent/internal/profiling"
	"github.com/telltale-agent/telltale/health"
	"github.com/telltale-agent/telltale/instruments"
)

// routes are the endpoints of the agent. What is not among them is 404.
func (a *Agent) routes() http.Handler {
	mux := diag.NewMux()
	ready := a.health.ReadyHandler()
	mux.Handle("/healthz", health.LiveHandler())
	mux.Handle("/readyz", ready)
	mux.Handle("/readyz/{component}", ready)
	mux.Handle("/metrics", a.metrics)
	if a.plan.Debug {
		mux.Handle(profiling.Path, profiling.New(profiling.Options{
			MaxSeconds: int(a.plan.ProfileLimit / time.Second),
			Audit:      a.auditProfile,
		}), http.MethodGet, http.MethodHead, http.MethodPost)
	}
	return mux
}

// listen binds and serves the diagnostics address.
func (a *Agent) listen(ctx context.Context) error {
	if a.plan.DiagAddr == "" {
		return nil
	}
	listener, err := diag.Listen(ctx, a.plan.DiagAddr)
	if err != nil {
		return err
	}
	a.server = a.serving().Serve(listener, a.handler)
	return nil
}

// serving is how the diagnostics address is served. A profile is not the client's
// time: whoever asks for the longest one has as long as others to take it.
func (a *Agent) serving() diag.Options {
	o := diag.Options{Logger: a.plan.logger, RequestTime: diag.DefaultRequestTime}
	if a.plan.Debug {
		o.RequestTime += a.plan.ProfileLimit
	}
	return o
}

// auditProfile counts and logs who looked into the process.
func (a *Agent) auditProfile(e profiling.Event) {
	a.plan.logger.Info("profile requested", "profile", e.Profile, "status", e.Status, "took", e.Took, "remote", e.Remote)
	// Nil, and recording nothing, as long as the agent starts.
	a.profiles.Load().Add(1, instruments.Profile{Profile: e.Profile, Result: profileResult(e.Status)})
}

func profileResult(status int) instruments.ProfileResult {
	switch {
	case status < 300:
		return instruments.ProfileServed
	case status == http.StatusConflict:
		return instruments.ProfileBusy
	case status >= 400 && status < 499:
		return instruments.ProfileRefused
	}
	return instruments.ProfileFailed
}
