package instruments

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// maxPatience is how long a collection waits for one callback at most.
const maxPatience = time.Second

// callback runs code that the registry does not trust: what others gave it to
// be called during collections. A panic is recovered, and a call that takes too
// long is left behind, so that neither costs more than its own values.
type callback struct {
	name     string
	registry *Registry
	turn     chan struct{}           // holds one token while a call runs: calls never overlap
	stuck    atomic.Pointer[running] // the call that was left behind, as long as it runs

	mu      sync.Mutex // guards failing
	failing bool
}

// running is one call. Its outcome is sent before its turn ends.
type running struct{ outcome chan error }

func (r *Registry) newCallback(name string) *callback {
	return &callback{name: name, registry: r, turn: make(chan struct{}, 1)}
}

var (
	errLeftBehind = errors.New("took too long")
	errVanished   = errors.New("ended its goroutine")
)

// panicError is what a recovered call leaves.
type panicError struct{ value any }

func (e panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

// call runs fn and reports whether it ended in time and without an error. fn
// may go on after call has returned; its context has ended by then.
func (c *callback) call(ctx context.Context, fn func(context.Context) error) bool {
	err := c.attempt(ctx, fn)
	c.report(err)
	return err == nil
}

// callDirect is call without the bound: it returns when fn does.
func (c *callback) callDirect(ctx context.Context, fn func(context.Context) error) bool {
	c.turn <- struct{}{}
	defer func() { <-c.turn }()
	err := survived(ctx, fn)
	c.report(err)
	return err == nil
}

func (c *callback) attempt(ctx context.Context, fn func(context.Context) error) error {
	if c.stuck.Load() != nil {
		return errLeftBehind // it waited once; no collection waits for it again
	}
	ctx, cancel := context.WithTimeout(ctx, c.registry.patience(ctx))
	select {
	case c.turn <- struct{}{}:
	case <-ctx.Done(): // another reader's collection is in there
		cancel()
		return errLeftBehind
	}
	call := &running{outcome: make(chan error, 1)}
	go func() {
		defer cancel()
		c.run(ctx, call, fn)
	}()
	select {
	case err := <-call.outcome:
		return err
	case <-ctx.Done():
	}
	return c.leaveBehind(call)
}

// run calls fn, survives whatever it does, and ends the turn.
func (c *callback) run(ctx context.Context, call *running, fn func(context.Context) error) {
	err := errVanished // it stands when fn ends its goroutine
	defer func() {
		call.outcome <- err
		c.stuck.CompareAndSwap(call, nil)
		<-c.turn
	}()
	err = survived(ctx, fn)
}

// survived calls fn and turns a panic into an error.
func survived(ctx context.Context, fn func(context.Context) error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = panicError{value}
		}
	}()
	return fn(ctx)
}

// leaveBehind marks the call as stuck, unless it has just ended.
func (c *callback) leaveBehind(call *running) error {
	c.stuck.CompareAndSwap(nil, call)
	select {
	case err := <-call.outcome:
		c.stuck.CompareAndSwap(call, nil)
		return err
	default:
		return errLeftBehind
	}
}

// patience is how long one callback may take: half of what the collection has
// left, so that any number of callbacks that hang ends in time.
func (r *Registry) patience(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		nanos := r.scrapeDeadline.Load()
		if nanos == 0 {
			return maxPatience
		}
		deadline = time.Unix(0, nanos)
	}
	return min(time.Until(deadline)/2, maxPatience)
}

// report counts a failure, and tells the log when trouble begins and ends.
func (c *callback) report(err error) {
	if err != nil {
		c.registry.own.failures.Add(1, CallbackFailure{Callback: c.name, Reason: failureReason(err)})
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err != nil && !c.failing:
		c.registry.logger.Warn("metrics callback fails", "callback", c.name, "err", err)
	case err == nil && c.failing:
		c.registry.logger.Info("metrics callback works again", "callback", c.name)
	}
	c.failing = err != nil
}

func failureReason(err error) CallbackFailureReason {
	var panicked panicError
	switch {
	case errors.As(err, &panicked), errors.Is(err, errVanished):
		return CallbackPanic
	case errors.Is(err, errLeftBehind), errors.Is(err, context.DeadlineExceeded):
		return CallbackTimeout
	}
	return CallbackError
}
