package health

import (
	"slices"
	"time"
)

// A Snapshot is the state of a process and of all its components at one
// moment. It is a copy that nothing changes any more, and belongs to the caller.
//
// State is always the aggregate of Components and Stopping.
type Snapshot struct {
	// At is the moment.
	At time.Time
	// State is that of the process.
	State State
	// Since is when State began. In what [Snapshot.Without] and
	// [Snapshot.Only] return it is the earliest moment from which that state
	// is certain: other components' states hid what was before.
	Since time.Time
	// Stopping says that the process shuts down, and is degraded for that.
	Stopping bool
	// Components are in the order of declaration.
	Components []ComponentStatus

	started    time.Time // when the tracker was made
	stoppingAt time.Time
}

// A ComponentStatus is what a snapshot says about one component. Times that
// have not happened are zero.
type ComponentStatus struct {
	Name     string
	State    State
	Since    time.Time // when State began
	Reason   Reason
	Interval time.Duration // between heartbeats

	LastReport time.Time // of any kind
	LastOK     time.Time
	LastFail   time.Time
	// Err is the error of the last fail, also when the component has been ok
	// since. It is for logs and for pages of the operator, not for probes.
	Err error

	// OKIn is how long the first ok that ends a recovery has to wait yet, 0 if
	// the next one does. In other states than [StateRecovering] it is 0.
	OKIn time.Duration

	// Reports of each kind since the declaration.
	OKs, Fails, Skips uint64
	// Transitions counts the moves into each state, indexed by [State].
	Transitions [states]uint64
}

// Snapshot returns the state of everything at this moment.
func (t *Tracker) Snapshot() Snapshot {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.catchUpLocked()
	s := Snapshot{
		At:         now,
		State:      t.state,
		Since:      t.since,
		Stopping:   !t.stopping.IsZero(),
		Components: make([]ComponentStatus, len(t.components)),
		started:    t.started,
		stoppingAt: t.stopping,
	}
	for i, c := range t.components {
		c.status(&s.Components[i], now)
	}
	return s
}

// status fills s with what is known at the moment now.
func (c *Component) status(s *ComponentStatus, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	*s = ComponentStatus{
		Name:        c.name,
		State:       c.state,
		Since:       c.since,
		Reason:      c.reason,
		Interval:    c.interval,
		LastReport:  c.last,
		LastOK:      c.lastOK,
		LastFail:    c.lastFail,
		Err:         c.err,
		OKs:         c.oks,
		Fails:       c.fails,
		Skips:       c.skips,
		Transitions: c.movesInto,
	}
	if c.state == StateRecovering {
		s.OKIn = max(0, RecoveryTime-now.Sub(c.since))
	}
}

// Component returns what the snapshot says about the component of that name.
func (s Snapshot) Component(name string) (ComponentStatus, bool) {
	i := s.find(name)
	if i < 0 {
		return ComponentStatus{}, false
	}
	return s.Components[i], true
}

func (s Snapshot) find(name string) int {
	return slices.IndexFunc(s.Components, func(c ComponentStatus) bool { return c.Name == name })
}

// Without returns the snapshot as if the named components were not declared,
// and those of the names that are not. A process that shuts down does so in
// the result too. The receiver stays as it is.
func (s Snapshot) Without(names ...string) (view Snapshot, unknown []string) {
	excluded := make(map[string]bool, len(names))
	for _, name := range names {
		excluded[name] = true
	}
	kept := make([]ComponentStatus, 0, len(s.Components))
	found := make(map[string]bool, len(names))
	for _, c := range s.Components {
		if excluded[c.Name] {
			found[c.Name] = true
			continue
		}
		kept = append(kept, c)
	}
	for _, name := range names {
		if !found[name] {
			unknown = append(unknown, name)
			found[name] = true // name it once
		}
	}
	return s.with(kept), unknown
}

// Only returns the snapshot as if the named component were the only one, and
// whether there is such a component; if not, as if there were none.
func (s Snapshot) Only(name string) (view Snapshot, ok bool) {
	i := s.find(name)
	if i < 0 {
		return s.with(nil), false
	}
	return s.with(slices.Clone(s.Components[i : i+1])), true
}

// with is the snapshot with these of its components.
func (s Snapshot) with(components []ComponentStatus) Snapshot {
	if len(components) == len(s.Components) {
		return s
	}
	var counts tally
	for _, c := range components {
		counts[c.State]++
	}
	s.Components = components
	s.State = counts.aggregate(s.Stopping)
	s.Since = s.certainSince()
	return s
}

// certainSince is the earliest moment from which the state of a view is
// certain. Degraded it is as long as any one component has been, or the process
// has been shutting down; any other state is certain from the last change of
// any component.
func (s Snapshot) certainSince() time.Time {
	if s.State != StateDegraded {
		since := s.started
		for _, c := range s.Components {
			since = later(since, c.Since)
		}
		return since
	}
	since := s.At
	if s.Stopping {
		since = s.stoppingAt
	}
	for _, c := range s.Components {
		if c.State == StateDegraded && c.Since.Before(since) {
			since = c.Since
		}
	}
	return since
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
