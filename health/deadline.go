package health

import (
	"container/heap"
	"time"
)

// unarmed is the position of a component that is not among the deadlines.
const unarmed = -1

// deadlines holds the components that silence can degrade, the next one first.
// It is a heap over Component.armed, which is at or before the real deadline:
// a report moves the deadline and leaves the heap alone, and only when armed
// has passed is the real one looked up. So a report costs no timer, and a
// component that lives is looked at once in MissedAfter intervals.
type deadlines []*Component

func (d deadlines) Len() int { return len(d) }

func (d deadlines) Less(i, j int) bool {
	if d[i].armed.Equal(d[j].armed) {
		return d[i].index < d[j].index
	}
	return d[i].armed.Before(d[j].armed)
}

func (d deadlines) Swap(i, j int) {
	d[i], d[j] = d[j], d[i]
	d[i].position, d[j].position = i, j
}

// Push is for package heap.
func (d *deadlines) Push(x any) {
	c := x.(*Component)
	c.position = len(*d)
	*d = append(*d, c)
}

// Pop is for package heap.
func (d *deadlines) Pop() any {
	last := len(*d) - 1
	c := (*d)[last]
	(*d)[last] = nil
	*d = (*d)[:last]
	c.position = unarmed
	return c
}

// armLocked makes sure that c is found when it falls silent.
func (t *Tracker) armLocked(c *Component) {
	if t.closed || c.position != unarmed || c.state == StateDegraded {
		return
	}
	c.mu.Lock()
	c.armed = c.deadlineLocked()
	c.mu.Unlock()
	heap.Push(&t.deadlines, c)
	t.setTimerLocked()
}

// disarmLocked takes c out of the deadlines.
func (t *Tracker) disarmLocked(c *Component) {
	if c.position != unarmed {
		heap.Remove(&t.deadlines, c.position)
	}
}

// catchUpLocked degrades the components whose deadline has passed, in the
// order of deadlines, and returns the moment for which that holds. Whatever
// reads or changes a state calls it first, so that neither depends on when the
// timer gets its turn.
func (t *Tracker) catchUpLocked() time.Time {
	now := time.Now()
	if t.closed {
		return now
	}
	for len(t.deadlines) > 0 && !t.deadlines[0].armed.After(now) {
		t.checkLocked(t.deadlines[0], now)
	}
	return now
}

// checkLocked looks at the real deadline of c, the first of the deadlines.
func (t *Tracker) checkLocked(c *Component, now time.Time) {
	c.mu.Lock()
	from, deadline := c.state, c.deadlineLocked()
	c.mu.Unlock()
	switch {
	case from == StateDegraded:
		heap.Pop(&t.deadlines)
	case deadline.After(c.armed):
		c.armed = deadline
		heap.Fix(&t.deadlines, c.position)
	default:
		heap.Pop(&t.deadlines)
		to := moves[from][eventSilence]
		t.moveLocked(c, to, reasonFor(from, to, eventSilence), nil, now)
	}
}

// setTimerLocked sets the timer to the first deadline.
func (t *Tracker) setTimerLocked() {
	if t.closed || len(t.deadlines) == 0 {
		return
	}
	wait := time.Until(t.deadlines[0].armed)
	if t.timer == nil {
		t.timer = time.AfterFunc(wait, t.expire)
		return
	}
	t.timer.Reset(wait)
}

// expire is what the timer runs.
func (t *Tracker) expire() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.catchUpLocked()
	t.setTimerLocked()
}
