package agent

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// pushShare is the part of the shutdown's time that the last push may take, and
// serveShare the part of what is left then for the requests that are being
// answered. The rest is for letting go of everything else.
const (
	pushShare  = 0.8
	serveShare = 0.5
)

// Shutdown stops the agent: readiness turns to 503 first, the components that it
// watches are left alone, everything is pushed a last time, the listener closes,
// and what was set globally is put back. It takes no longer than
// Config.ShutdownTimeout and no longer than ctx allows, whatever the collectors
// do. The error joins what went wrong on the way, such as a last push that
// failed; the agent is stopped nevertheless.
//
// Shutdown may be called again and concurrently: later calls wait for the first
// one, or for their own ctx, and return its error. After it no goroutine of the
// agent is left, except one that is inside a callback or a log handler of the
// embedder's that does not return. Recording afterwards does nothing.
func (a *Agent) Shutdown(ctx context.Context) error {
	go a.shutdown.Do(func() {
		defer close(a.shutdownDone)
		a.shutdownErr = a.stop(ctx)
	})
	select {
	case <-a.shutdownDone:
		return a.shutdownErr
	case <-ctx.Done():
	}
	// The first call works under this ctx or its own time: it is about to end.
	select {
	case <-a.shutdownDone:
		return a.shutdownErr
	case <-time.After(stopMargin):
		return fmt.Errorf("agent: shutdown: %w", ctx.Err())
	}
}

// stopMargin is how long a Shutdown whose ctx has ended waits for the loose ends
// that a stop without time still ties up.
const stopMargin = 100 * time.Millisecond

func (a *Agent) stop(ctx context.Context) error {
	started := time.Now()
	ctx, cancel := context.WithTimeout(ctx, a.plan.ShutdownTimeout)
	defer cancel()

	a.health.Stopping()
	a.stopWatching()
	errs := []error{a.lastPush(ctx)}
	if a.server != nil {
		errs = append(errs, a.closeServer(ctx))
	}
	a.restoreGlobals()
	errs = append(errs, a.closePipeline(ctx), a.plan.closeChecks(), a.awaitWatching(ctx))
	a.health.Close()

	err := errors.Join(errs...)
	if err != nil {
		err = fmt.Errorf("agent: shutdown: %w", err)
	}
	a.plan.logger.Info("telltale stopped", "took", time.Since(started).Round(time.Millisecond))
	a.plan.log.drain(ctx)
	return err
}

func (a *Agent) lastPush(ctx context.Context) error {
	ctx, cancel := share(ctx, pushShare)
	defer cancel()
	return a.pipeline.push(ctx, a.plan)
}

func (a *Agent) closeServer(ctx context.Context) error {
	ctx, cancel := share(ctx, serveShare)
	defer cancel()
	return a.server.Shutdown(ctx)
}

// share returns a context that ends after a part of the time that ctx has left.
func share(ctx context.Context, part float64) (context.Context, context.CancelFunc) {
	deadline, _ := ctx.Deadline()
	return context.WithTimeout(ctx, time.Duration(float64(time.Until(deadline))*part))
}

// closePipeline leaves a collection behind that is held up by callbacks. Even
// without any time left it gives the rest a moment.
func (a *Agent) closePipeline(ctx context.Context) error {
	deadline, _ := ctx.Deadline()
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), max(time.Until(deadline), stopMargin))
	defer cancel()
	return bounded(closing, func(context.Context) error { return a.pipeline.close(ctx) })
}
