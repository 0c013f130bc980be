package health

import (
	"cmp"
	"slices"
	"time"
)

// This file is the reference: what a tracker must say, computed from the list
// of everything that happened, with no state machine, clock, timer or lock. It
// looks back from a moment: what was the last bad thing, and what came after?
// It shares nothing with the tracker but the names of states and reasons.

// happened is one entry of the list.
type happened struct {
	at        time.Duration // since the beginning
	component int
	what      string // "ok", "fail", "skip"; the model adds "silence"
}

// modelComponent is how a component was declared.
type modelComponent struct {
	name     string
	interval time.Duration
}

// modelChange is an entry of the history; component is -1 for the process.
type modelChange struct {
	at        time.Duration
	component int
	from, to  State
	reason    Reason
}

// withSilence returns what happened to one component up to now, in order,
// with a "silence" wherever nothing was heard for three intervals.
func withSilence(c modelComponent, reports []happened, now time.Duration) []happened {
	var all []happened
	var heard time.Duration // all components are declared at the beginning
	gap := func(until time.Duration) {
		if until-heard >= 3*c.interval {
			all = append(all, happened{at: heard + 3*c.interval, what: "silence"})
		}
	}
	for _, r := range reports {
		gap(r.at)
		all = append(all, r)
		heard = r.at
	}
	gap(now)
	return all
}

// lookBack tells the state after all that happened.
func lookBack(all []happened) (State, Reason) {
	bad := lastIndex(all, func(h happened) bool { return h.what == "fail" || h.what == "silence" })
	isOK := func(h happened) bool { return h.what == "ok" }
	first := slices.IndexFunc(all[bad+1:], isOK)
	switch {
	case bad < 0 && first < 0:
		return StateStarting, ReasonNeverReported
	case bad < 0:
		return StateOK, ReasonNone
	case first < 0:
		return StateDegraded, blame(all)
	}
	after := all[bad+1:]
	for _, h := range after {
		if isOK(h) && h.at >= after[first].at+10*time.Second {
			return StateOK, ReasonNone
		}
	}
	return StateRecovering, ReasonRecovering
}

// blame tells why a component is degraded: a fail since the last ok outweighs
// silence, and silence from one that never reported has a name of its own.
func blame(all []happened) Reason {
	sinceOK := all[lastIndex(all, func(h happened) bool { return h.what == "ok" })+1:]
	failed := func(h happened) bool { return h.what == "fail" }
	switch {
	case slices.ContainsFunc(sinceOK, failed):
		return ReasonFailed
	case len(sinceOK) == len(all): // no ok, and so no fail either
		return ReasonNeverReported
	}
	return ReasonMissed
}

func lastIndex(all []happened, f func(happened) bool) int {
	for i, h := range slices.Backward(all) {
		if f(h) {
			return i
		}
	}
	return -1
}

// worst is the state of a process whose components are in the given states.
func worst(of []State) State {
	for _, s := range []State{StateDegraded, StateRecovering, StateStarting} {
		if slices.Contains(of, s) {
			return s
		}
	}
	if len(of) == 0 {
		return StateStarting
	}
	return StateOK
}

// modelHistory is every change up to now.
func modelHistory(components []modelComponent, reports []happened, now time.Duration) []modelChange {
	var changes []modelChange
	order := map[int][]int{} // per component: the place of each change among the reports
	for i, c := range components {
		mine := slices.DeleteFunc(slices.Clone(reports), func(h happened) bool { return h.component != i })
		all := withSilence(c, mine, now)
		state, said := StateStarting, 0
		for n, h := range all {
			if h.what != "silence" {
				said++
			}
			next, reason := lookBack(all[:n+1])
			if next == state {
				continue
			}
			place := -1 // silence comes first at any moment
			if h.what != "silence" {
				place = placeOf(reports, i, said)
			}
			order[i] = append(order[i], place)
			changes = append(changes, modelChange{h.at, i, state, next, reason})
			state = next
		}
	}
	return withProcess(components, inOrder(changes, order))
}

// placeOf is the index in reports of the nth report of a component.
func placeOf(reports []happened, component, nth int) int {
	for i, h := range reports {
		if h.component == component {
			if nth--; nth == 0 {
				return i
			}
		}
	}
	return -1
}

// inOrder sorts changes by time, then silences before reports, then reports in
// the order in which they came and silences in the order of declaration.
func inOrder(changes []modelChange, order map[int][]int) []modelChange {
	type placed struct {
		modelChange
		place int
	}
	var list []placed
	seen := map[int]int{}
	for _, c := range changes {
		list = append(list, placed{c, order[c.component][seen[c.component]]})
		seen[c.component]++
	}
	slices.SortStableFunc(list, func(a, b placed) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.place, b.place), cmp.Compare(a.component, b.component))
	})
	sorted := make([]modelChange, len(list))
	for i, p := range list {
		sorted[i] = p.modelChange
	}
	return sorted
}

// withProcess adds the changes of the process after those that caused them.
func withProcess(components []modelComponent, changes []modelChange) []modelChange {
	states := make([]State, len(components))
	for i := range states {
		states[i] = StateStarting
	}
	process := worst(states)
	var all []modelChange
	for _, c := range changes {
		all = append(all, c)
		states[c.component] = c.to
		next := worst(states)
		if next == process {
			continue
		}
		reason := map[State]Reason{
			StateOK:         ReasonNone,
			StateRecovering: ReasonRecovering,
			StateStarting:   ReasonNeverReported,
			StateDegraded:   c.reason,
		}[next]
		all = append(all, modelChange{c.at, -1, process, next, reason})
		process = next
	}
	return all
}
