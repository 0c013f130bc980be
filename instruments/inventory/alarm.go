package inventory

import (
	"container/heap"
	"time"
)

// alarm is when a server or a connection must be looked at. A heartbeat leaves
// it where it is: the look finds that there is time, and sets it anew.
type alarm struct {
	at    time.Duration // since the inventory was made
	set   bool
	place int // in alarms, while set
	ring  func(now time.Duration)
}

// alarms is a heap with the next one in front.
type alarms []*alarm

func (a alarms) Len() int           { return len(a) }
func (a alarms) Less(i, j int) bool { return a[i].at < a[j].at }

func (a alarms) Swap(i, j int) {
	a[i], a[j] = a[j], a[i]
	a[i].place, a[j].place = i, j
}

// Push is for package heap alone.
func (a *alarms) Push(x any) {
	next := x.(*alarm)
	next.place = len(*a)
	*a = append(*a, next)
}

// Pop is for package heap alone.
func (a *alarms) Pop() any {
	last := len(*a) - 1
	x := (*a)[last]
	(*a)[last] = nil
	*a = (*a)[:last]
	return x
}

// put sets an alarm, or moves it.
func (a *alarms) put(one *alarm, at time.Duration) {
	one.at = at
	if one.set {
		heap.Fix(a, one.place)
		return
	}
	one.set = true
	heap.Push(a, one)
}

// drop takes an alarm away, if it is set.
func (a *alarms) drop(one *alarm) {
	if one.set {
		heap.Remove(a, one.place)
		one.set = false
	}
}
