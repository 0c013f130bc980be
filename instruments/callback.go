package instruments

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
)

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

// running is one call. Its outcome, nil if all went well, is sent before its
// turn ends.
type running struct{ outcome chan *failure }

func (r *Registry) newCallback(name string) *callback {
	return &callback{name: name, registry: r, turn: make(chan struct{}, 1)}
}

// failure says how a call failed, in words of its own: what a callback returns
// or panics with has methods, which are foreign code like the callback itself.
type failure struct {
	reason CallbackFailureReason
	text   string
}

var (
	leftBehind = &failure{CallbackTimeout, "took too long"}
	vanished   = &failure{CallbackPanic, "ended its goroutine"}
)

// call runs fn and reports whether it ended in time and without an error. fn
// may go on after call has returned; its context has ended by then.
func (c *callback) call(ctx context.Context, fn func(context.Context) error) bool {
	failed := c.attempt(ctx, fn)
	c.report(failed)
	return failed == nil
}

// callDirect is call without the bound: it returns when fn does.
func (c *callback) callDirect(ctx context.Context, fn func(context.Context) error) bool {
	c.turn <- struct{}{}
	defer func() { <-c.turn }()
	failed := survived(ctx, fn)
	c.report(failed)
	return failed == nil
}

func (c *callback) attempt(ctx context.Context, fn func(context.Context) error) *failure {
	if c.stuck.Load() != nil {
		return leftBehind // it waited once; no collection waits for it again
	}
	ctx, cancel := context.WithTimeout(ctx, c.registry.budget(ctx).patience())
	select {
	case c.turn <- struct{}{}:
	case <-ctx.Done(): // another reader's collection is in there
		cancel()
		return leftBehind
	}
	call := &running{outcome: make(chan *failure, 1)}
	go func() {
		defer cancel()
		c.run(ctx, call, fn)
	}()
	select {
	case failed := <-call.outcome:
		return failed
	case <-ctx.Done():
	}
	return c.leaveBehind(call)
}

// run calls fn, survives whatever it does, and ends the turn.
func (c *callback) run(ctx context.Context, call *running, fn func(context.Context) error) {
	failed := vanished // it stands when fn ends its goroutine
	defer func() {
		call.outcome <- failed
		c.stuck.CompareAndSwap(call, nil)
		<-c.turn
	}()
	failed = survived(ctx, fn)
}

// survived calls fn, and tells of a panic or an error. The methods of the error
// are called here, where they may panic or hang: that of a nil pointer does.
func survived(ctx context.Context, fn func(context.Context) error) (failed *failure) {
	defer func() {
		if value := recover(); value != nil {
			failed = &failure{CallbackPanic, fmt.Sprintf("panic: %v", value)}
		}
	}()
	err := fn(ctx)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.DeadlineExceeded):
		return &failure{CallbackTimeout, err.Error()}
	}
	return &failure{CallbackError, err.Error()}
}

// leaveBehind marks the call as stuck, unless it has just ended.
func (c *callback) leaveBehind(call *running) *failure {
	c.stuck.CompareAndSwap(nil, call)
	select {
	case failed := <-call.outcome:
		c.stuck.CompareAndSwap(call, nil)
		return failed
	default:
		return leftBehind
	}
}

// report counts a failure, and tells the log when trouble begins and ends.
func (c *callback) report(failed *failure) {
	if failed != nil {
		c.registry.own.failures.Add(1, CallbackFailure{Callback: c.name, Reason: failed.reason})
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case failed != nil && !c.failing:
		c.registry.logger.Warn("metrics callback fails", "callback", c.name, "err", failed.text)
	case failed == nil && c.failing:
		c.registry.logger.Info("metrics callback works again", "callback", c.name)
	}
	c.failing = failed != nil
}
