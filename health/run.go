package health

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrSkip is what a function given to [Component.Run] returns, as it is or
// wrapped, when it had nothing to do.
var ErrSkip = errors.New("nothing to do")

// errGone is the fail of a function that ended the goroutine it ran in.
var errGone = errors.New("the function ended its goroutine (runtime.Goexit)")

// Run calls fn at once and then at the component's interval, and reports what
// it returns: nil as ok, [ErrSkip] as skip, any other error as fail. A panic
// of fn is a fail, and so is runtime.Goexit, for which fn has a goroutine of
// its own; the loop goes on.
//
// Each call gets a context that ends with ctx, with the tracker, and one
// interval after the call began. A call that lasts longer than that delays the
// next one, which then follows at once; calls never overlap or pile up. A call
// that does not come back is silence, which degrades the component in due
// time; Run can return only after it.
//
// Run returns ctx.Err() when ctx ends, and an error that wraps [ErrClosed]
// when the tracker is closed. What fn returns after that is not reported,
// unless it is nil or [ErrSkip]: to be stopped is not to fail. It returns an
// error at once if fn is nil, if the component has such a loop already, or if
// there is no component to report to.
func (c *Component) Run(ctx context.Context, fn func(context.Context) error) error {
	if err := c.acquire(fn); err != nil {
		return err
	}
	defer c.running.Store(false)

	loop, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.tracker.ctx, cancel)()

	var begun time.Time // of the last call; the first one is overdue
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		due := false
		select {
		case <-loop.Done():
		case <-c.retimed:
		case <-timer.C:
			due = true
		}
		if loop.Err() != nil {
			return c.ended(ctx)
		}
		if due {
			begun = time.Now()
			c.beat(loop, c.Interval(), fn)
		}
		timer.Reset(c.Interval() - time.Since(begun))
	}
}

// acquire claims the component for one loop.
func (c *Component) acquire(fn func(context.Context) error) error {
	switch {
	case c == nil:
		return errors.New("run component: there is none")
	case c.tracker == nil:
		return fmt.Errorf("run: %w", c.refused)
	case fn == nil:
		return fmt.Errorf("run component %s: no function", quoted(c.name))
	case c.tracker.ctx.Err() != nil:
		return c.ended(context.Background())
	case !c.running.CompareAndSwap(false, true):
		return fmt.Errorf("run component %s: it is run already", quoted(c.name))
	}
	return nil
}

// ended says why the loop ended.
func (c *Component) ended(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return fmt.Errorf("run component %s: %w", quoted(c.name), ErrClosed)
}

// outcome is what came of one call.
type outcome uint8

const (
	outcomeGone outcome = iota // the goroutine of the call ended
	outcomePanic
	outcomeSkip
	outcomeFail
	outcomeOK
)

// beat calls fn once and reports the outcome.
func (c *Component) beat(loop context.Context, interval time.Duration, fn func(context.Context) error) {
	ctx, cancel := context.WithTimeout(loop, interval)
	defer cancel()
	switch got, err := call(ctx, fn); {
	case got == outcomeOK:
		c.OK()
	case got == outcomeSkip:
		c.Skip()
	case got == outcomeGone:
		c.Fail(errGone)
	case got == outcomePanic || loop.Err() == nil:
		c.Fail(err)
	}
}

// call runs fn, on a goroutine that it may end, and tells what came of it.
func call(ctx context.Context, fn func(context.Context) error) (got outcome, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		got, err = judge(ctx, fn)
	}()
	<-done
	return got, err
}

// judge runs fn. The error of a panic holds its value as text, so that a panic
// with ErrSkip is not taken for a skip.
func judge(ctx context.Context, fn func(context.Context) error) (got outcome, err error) {
	defer func() {
		if v := recover(); v != nil {
			got, err = outcomePanic, fmt.Errorf("panic: %v", v)
		}
	}()
	err = fn(ctx)
	switch {
	case err == nil:
		return outcomeOK, nil
	case errors.Is(err, ErrSkip):
		return outcomeSkip, nil
	}
	return outcomeFail, err
}
