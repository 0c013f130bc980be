package health

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

var (
	// ErrDuplicate is in the error of [Tracker.Declare] for a name that is taken.
	ErrDuplicate = errors.New("already declared; give each component a name of its own")
	// ErrClosed is in the errors of a tracker after [Tracker.Close].
	ErrClosed = errors.New("health tracker closed")
)

// An Option changes how a tracker is made.
type Option func(*Tracker)

// WithLogger sets where changes of state are logged. Without it, or with nil,
// that is the slog.Default of the moment when the tracker is made.
func WithLogger(l *slog.Logger) Option {
	return func(t *Tracker) {
		if l != nil {
			t.journal.logger = l
		}
	}
}

// WithInterval sets the time between heartbeats for components that do not
// give their own, from 1 ms to 8760 h. Without it, or with a value outside of
// that, it is [DefaultInterval].
func WithInterval(d time.Duration) Option {
	return func(t *Tracker) {
		if checkInterval(d) == nil {
			t.interval = d
		}
	}
}

// A Tracker knows the components of a process and derives the state of the
// whole. Make it with [New], stop it with [Tracker.Close].
type Tracker struct {
	interval time.Duration
	started  time.Time
	journal  journal
	ctx      context.Context // ends with Close
	cancel   context.CancelFunc

	// mu guards what follows, and every change of a component's state. It may
	// be held while a component's mu is taken, never the other way round. No
	// code from outside runs under it.
	mu         sync.Mutex
	closed     bool
	stopping   time.Time // when Stopping was called, zero before
	byName     map[string]*Component
	components []*Component // in the order of declaration
	counts     tally
	state      State
	since      time.Time
	deadlines  deadlines
	timer      *time.Timer // fires when the first deadline may have passed
	history    history
}

// New returns a tracker without components. It has no goroutine at rest, and
// one timer once a component is declared.
func New(opts ...Option) *Tracker {
	t := &Tracker{
		interval: DefaultInterval,
		started:  time.Now(),
		byName:   make(map[string]*Component),
		state:    StateStarting,
		journal:  journal{logger: slog.Default()},
	}
	t.since = t.started
	t.ctx, t.cancel = context.WithCancel(context.Background())
	for _, opt := range opts {
		if opt != nil {
			opt(t)
		}
	}
	return t
}

// Declare adds a component, which is starting until its first report. A name
// is printable UTF-8 of 1 to 128 bytes without a slash and without a space at
// either end, and is neither "." nor "..".
//
// The error says what is wrong with the name or an option; it wraps
// [ErrDuplicate] if the name is taken and [ErrClosed] after Close. Nothing
// changes then.
func (t *Tracker) Declare(name string, opts ...ComponentOption) (*Component, error) {
	set, err := settings{interval: t.interval}.apply(opts)
	if nameErr := checkName(name); nameErr != nil {
		err = nameErr
	}
	if err != nil {
		return nil, declareError(name, err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.closed:
		return nil, declareError(name, ErrClosed)
	case t.byName[name] != nil:
		return nil, declareError(name, ErrDuplicate)
	}
	return t.addLocked(name, set), nil
}

func declareError(name string, err error) error {
	return fmt.Errorf("declare component %s: %w", quoted(name), err)
}

// Component returns the component of that name, and declares it if it is not
// there yet. Options given for a component that is there already change it;
// after a new interval, silence counts from that moment, and a [Component.Run]
// loop calls next one new interval after its last call.
//
// It never returns nil. Where [Tracker.Declare] would return an error other
// than [ErrDuplicate], the error is logged (but not that of a closed tracker),
// an existing component is left as it is, and for a new one the result is not
// part of the tracker: it records nothing, and its Run returns that error.
func (t *Tracker) Component(name string, opts ...ComponentOption) *Component {
	c, err := t.component(name, opts)
	if err != nil && !errors.Is(err, ErrClosed) {
		t.journal.add(refusal(name, err))
	}
	if c == nil {
		c = &Component{refused: err, name: name, interval: t.interval}
	}
	return c
}

// component does the work of Component. Of an existing component with wrong
// options it returns both the component and the error.
func (t *Tracker) component(name string, opts []ComponentOption) (*Component, error) {
	t.mu.Lock()
	c := t.byName[name]
	t.mu.Unlock()
	if c == nil {
		added, err := t.Declare(name, opts...)
		if !errors.Is(err, ErrDuplicate) {
			return added, err
		}
		return t.component(name, opts) // somebody else was faster
	}
	if len(opts) == 0 {
		return c, nil
	}
	set, err := settings{interval: c.Interval()}.apply(opts)
	if err != nil {
		return c, fmt.Errorf("change component %s: %w", quoted(name), err)
	}
	t.change(c, set)
	return c, nil
}

// addLocked adds a component whose name and settings were checked.
func (t *Tracker) addLocked(name string, set settings) *Component {
	now := t.catchUpLocked()
	c := &Component{
		tracker:  t,
		name:     name,
		index:    len(t.components),
		retimed:  make(chan struct{}, 1),
		position: unarmed,
		interval: set.interval,
		state:    StateStarting,
		reason:   ReasonNeverReported,
		since:    now,
		heard:    now,
	}
	t.byName[name] = c
	t.components = append(t.components, c)
	t.counts[StateStarting]++
	t.armLocked(c)
	t.aggregateLocked(ReasonNeverReported, now)
	return c
}

// change gives a component new settings.
func (t *Tracker) change(c *Component, set settings) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.catchUpLocked()
	c.mu.Lock()
	if t.closed || c.interval == set.interval {
		c.mu.Unlock()
		return
	}
	c.interval = set.interval
	c.heard = now
	c.mu.Unlock()
	t.disarmLocked(c)
	t.armLocked(c)
	select {
	case c.retimed <- struct{}{}:
	default: // the loop, if there is one, has yet to hear of an earlier change
	}
}

// report records an event that may change the state of c.
func (t *Tracker) report(c *Component, e event, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return
	}
	now := t.catchUpLocked()
	c.mu.Lock()
	from, to := c.state, c.nextLocked(e, now)
	c.recordLocked(e, err, now)
	c.mu.Unlock()
	if to != from {
		t.moveLocked(c, to, reasonFor(from, to, e), err, now)
	}
	t.armLocked(c)
}

// stateOf is the state of c after all deadlines that have passed.
func (t *Tracker) stateOf(c *Component) State {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.catchUpLocked()
	return c.state
}

// State returns the state of the process at this moment.
func (t *Tracker) State() State {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.catchUpLocked()
	return t.state
}

// moveLocked changes the state of c, and that of the process if it follows.
func (t *Tracker) moveLocked(c *Component, to State, reason Reason, err error, now time.Time) {
	c.mu.Lock()
	from := c.state
	c.moveLocked(to, reason, now)
	c.mu.Unlock()
	t.counts[from]--
	t.counts[to]++
	t.enterLocked(Transition{At: now, Component: c.name, From: from, To: to, Reason: reason, Err: err})
	t.aggregateLocked(reason, now)
}

// aggregateLocked brings the state of the process up to date after a change
// for the given reason.
func (t *Tracker) aggregateLocked(reason Reason, now time.Time) {
	from, to := t.state, t.counts.aggregate(!t.stopping.IsZero())
	if to == from {
		return
	}
	if to != StateDegraded {
		reason = reasonFor(from, to, eventOK) // the reason of those that are left
	}
	t.state, t.since = to, now
	t.enterLocked(Transition{At: now, From: from, To: to, Reason: reason})
}

// enterLocked puts a change into the history and hands it to the log.
func (t *Tracker) enterLocked(tr Transition) {
	t.journal.add(lineFor(t.history.add(tr)))
}

// Stopping says that the process shuts down: from now on it is degraded, with
// the reason [ReasonShuttingDown], whatever its components report. There is no
// way back. Calling it again changes nothing.
func (t *Tracker) Stopping() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stopLocked(t.catchUpLocked())
}

func (t *Tracker) stopLocked(now time.Time) {
	if t.stopping.IsZero() {
		t.stopping = now
		t.aggregateLocked(ReasonShuttingDown, now)
	}
}

// Close ends the tracker. It does what [Tracker.Stopping] does, stops the
// timer, lets every Run loop return, and waits for the log to be written, for
// at most a second: a log handler that never returns keeps its goroutine.
//
// Later reports change nothing and states stay what they are, that of the
// process degraded. Close may be called again and concurrently; each call
// returns when the work is done.
func (t *Tracker) Close() {
	t.mu.Lock()
	if !t.closed {
		t.stopLocked(t.catchUpLocked())
		t.closeLocked()
	}
	t.mu.Unlock()
	t.journal.drain(drainTime)
}

func (t *Tracker) closeLocked() {
	t.closed = true
	t.cancel()
	if t.timer != nil {
		t.timer.Stop()
	}
	for _, c := range t.components {
		c.mu.Lock()
		c.closed = true
		c.mu.Unlock()
	}
}
