package health

import (
	"slices"
	"time"
)

// HistoryLimit is how many changes a tracker remembers.
const HistoryLimit = 256

// A Transition is one change of state, of a component or of the process.
type Transition struct {
	// Seq numbers the changes of a tracker from 1, without gaps.
	Seq uint64
	// At is when it was established. It never goes back from one to the next.
	At time.Time
	// Component is the component's name, empty for the process.
	Component string
	From, To  State
	// Reason says why. That of the process becoming degraded is the reason of
	// the component that made it so.
	Reason Reason
	// Err is the error of the fail that caused the change, else nil. It is not
	// for probes to show.
	Err error
}

// history is a ring of the last changes.
type history struct {
	ring []Transition
	seq  uint64
}

// add numbers a change, keeps it, and returns it with its number.
func (h *history) add(tr Transition) Transition {
	h.seq++
	tr.Seq = h.seq
	if len(h.ring) < HistoryLimit {
		h.ring = append(h.ring, tr)
	} else {
		h.ring[(h.seq-1)%HistoryLimit] = tr
	}
	return tr
}

// list returns a copy, oldest first.
func (h *history) list() []Transition {
	if len(h.ring) < HistoryLimit {
		return slices.Clone(h.ring)
	}
	oldest := h.seq % HistoryLimit
	return slices.Concat(h.ring[oldest:], h.ring[:oldest])
}

// History returns the last changes, at most [HistoryLimit] of them, oldest
// first. The slice belongs to the caller. A gap between the last Seq seen and
// the first one returned tells how many were forgotten.
func (t *Tracker) History() []Transition {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.catchUpLocked()
	return t.history.list()
}
