package health

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// DefaultInterval is the time between heartbeats of a component that says
	// nothing else.
	DefaultInterval = 5 * time.Second
	// MissedAfter is how many intervals of silence degrade a component.
	MissedAfter = 3
	// RecoveryTime is how long after its first ok a degraded component is
	// recovering. The first ok at that moment or later ends it.
	RecoveryTime = 10 * time.Second

	minInterval = time.Millisecond
	maxInterval = 365 * 24 * time.Hour
)

// errUnspecified stands for the error that a caller of Fail did not give.
var errUnspecified = errors.New("no error was given")

// A ComponentOption changes how a component is declared.
type ComponentOption func(*settings)

// settings is what options can say about a component.
type settings struct {
	interval time.Duration
}

// Interval sets the time between a component's heartbeats, from 1 ms to
// 8760 h. Without it the tracker's interval holds, see [WithInterval].
func Interval(d time.Duration) ComponentOption {
	return func(s *settings) { s.interval = d }
}

// apply runs the options over s and checks the result.
func (s settings) apply(opts []ComponentOption) (settings, error) {
	for _, opt := range opts {
		if opt != nil {
			opt(&s)
		}
	}
	return s, checkInterval(s.interval)
}

func checkInterval(d time.Duration) error {
	if d < minInterval || d > maxInterval {
		return fmt.Errorf("interval %s: allowed are 1ms to 8760h", d)
	}
	return nil
}

// A Component is one part of the process that proves with heartbeats that it
// works. [Tracker.Component] and [Tracker.Declare] make it.
//
// A nil *Component records nothing, so that code can report without asking
// whether anybody listens.
type Component struct {
	tracker *Tracker // nil if the component was refused, see refused
	refused error
	name    string
	index   int           // place in the order of declaration
	running atomic.Bool   // a Run loop is at work
	retimed chan struct{} // tells it that the interval has changed; holds one

	// position and armed belong to the tracker's deadlines, under its mu.
	position int
	armed    time.Time

	// mu guards what follows and is held for a few instructions only. state
	// is written under the tracker's mu too, so that either is enough to read it.
	mu        sync.Mutex
	closed    bool
	interval  time.Duration
	state     State
	reason    Reason
	since     time.Time // when state began
	heard     time.Time // from when silence counts: a report, or the declaration
	last      time.Time // last report of any kind, zero if none
	lastOK    time.Time // zero if none
	lastFail  time.Time // zero if none
	err       error     // of the last fail
	oks       uint64
	fails     uint64
	skips     uint64
	movesInto [states]uint64
}

// Name returns the name under which the component was declared.
func (c *Component) Name() string {
	if c == nil {
		return ""
	}
	return c.name
}

// OK reports that the component did its work.
func (c *Component) OK() { c.report(eventOK, nil) }

// Fail reports that the component could not do its work. The error goes to the
// log, to the history and to [ComponentStatus.Err], never to a probe; it is
// kept as it is and read later, so it must not change. Fail(nil) is a failure
// too, with an error that says that none was given.
func (c *Component) Fail(err error) {
	if err == nil {
		err = errUnspecified
	}
	c.report(eventFail, err)
}

// Skip reports that the component's loop ran and had nothing to do. It moves
// the deadline, also of a component that is starting, and changes no state.
func (c *Component) Skip() { c.report(eventSkip, nil) }

// State returns the component's state at this moment. A component that was
// refused (see [Tracker.Component]) and a nil one are starting for ever.
func (c *Component) State() State {
	if c == nil || c.tracker == nil {
		return StateStarting
	}
	c.mu.Lock()
	state, overdue := c.state, c.overdueLocked(time.Now())
	c.mu.Unlock()
	if !overdue {
		return state
	}
	return c.tracker.stateOf(c)
}

// Interval returns the time between the component's heartbeats.
func (c *Component) Interval() time.Duration {
	if c == nil {
		return DefaultInterval
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.interval
}

// report records e. What changes no state needs the component's own lock only.
func (c *Component) report(e event, err error) {
	if c == nil || c.tracker == nil {
		return
	}
	c.mu.Lock()
	now := time.Now()
	if c.overdueLocked(now) || c.nextLocked(e, now) != c.state {
		c.mu.Unlock()
		c.tracker.report(c, e, err)
		return
	}
	c.recordLocked(e, err, now)
	c.mu.Unlock()
}

// overdueLocked reports whether the component has been silent for too long
// without being degraded for it yet.
func (c *Component) overdueLocked(now time.Time) bool {
	return !c.closed && c.state != StateDegraded && now.Sub(c.heard) >= MissedAfter*c.interval
}

// deadlineLocked is when silence degrades the component.
func (c *Component) deadlineLocked() time.Time {
	return c.heard.Add(MissedAfter * c.interval)
}

// nextLocked is the state to which e leads at the moment now.
func (c *Component) nextLocked(e event, now time.Time) State {
	if e == eventOK && c.state == StateRecovering && now.Sub(c.since) >= RecoveryTime {
		e = eventProven
	}
	return moves[c.state][e]
}

// recordLocked notes a report, except for the change of state it may bring.
func (c *Component) recordLocked(e event, err error, now time.Time) {
	if c.closed {
		return
	}
	// A report that waited for the tracker's lock may carry an older time than
	// the one that passed it.
	if now.After(c.heard) {
		c.heard = now
	}
	c.last = c.heard
	switch e {
	case eventOK:
		c.oks++
		c.lastOK = c.heard
	case eventSkip:
		c.skips++
	case eventFail:
		c.fails++
		c.lastFail = c.heard
		c.err = err
		if c.state == StateDegraded {
			c.reason = ReasonFailed // it was missed so far, and now we know more
		}
	}
}

// moveLocked changes the state. It needs the tracker's mu too.
func (c *Component) moveLocked(to State, reason Reason, now time.Time) {
	c.state, c.reason, c.since = to, reason, now
	c.movesInto[to]++
}
