package health

import (
	"testing"
	"time"
)

func TestStateValuesAndNames(t *testing.T) {
	for _, tc := range []struct {
		state State
		value uint8
		name  string
	}{
		{StateOK, 0, "ok"},
		{StateRecovering, 1, "recovering"},
		{StateDegraded, 2, "degraded"},
		{StateStarting, 3, "starting"},
		{State(9), 9, "state(9)"},
	} {
		if uint8(tc.state) != tc.value || tc.state.String() != tc.name {
			t.Errorf("got %d %q, want %d %q", tc.state, tc.state, tc.value, tc.name)
		}
	}
}

func TestReasonNames(t *testing.T) {
	for reason, want := range map[Reason]string{
		ReasonNone: "", ReasonNeverReported: "never reported", ReasonFailed: "failed", ReasonMissed: "missed",
		ReasonRecovering: "recovering", ReasonShuttingDown: "shutting down", Reason(77): "reason(77)",
	} {
		if got := reason.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// legal is the table of the moves that may happen, written out by hand.
var legal = map[State]map[State]bool{
	StateStarting:   {StateOK: true, StateDegraded: true},
	StateOK:         {StateDegraded: true},
	StateDegraded:   {StateRecovering: true},
	StateRecovering: {StateOK: true, StateDegraded: true},
}

func TestEveryPairOfStates(t *testing.T) {
	possible := map[State]map[State]bool{}
	for from := range State(states) {
		possible[from] = map[State]bool{}
		for e := range event(events) {
			if to := moves[from][e]; to != from {
				possible[from][to] = true
			}
		}
	}
	for from := range State(states) {
		for to := range State(states) {
			if got, want := possible[from][to], legal[from][to]; got != want {
				t.Errorf("%s to %s: got possible %t, want %t", from, to, got, want)
			}
		}
	}
}

func TestSkipMovesNothing(t *testing.T) {
	for from := range State(states) {
		if to := moves[from][eventSkip]; to != from {
			t.Errorf("skip moves %s to %s", from, to)
		}
	}
}

// reach brings a fresh component into a state.
var reach = map[State]func(c *Component){
	StateStarting:   func(*Component) {},
	StateOK:         func(c *Component) { c.OK() },
	StateDegraded:   func(c *Component) { c.Fail(nil) },
	StateRecovering: func(c *Component) { c.Fail(nil); c.OK() },
}

func TestEveryStateAndEvent(t *testing.T) {
	ok := func(c *Component) { c.OK() }
	late := func(c *Component) { time.Sleep(RecoveryTime); c.OK() }
	fail := func(c *Component) { c.Fail(nil) }
	skip := func(c *Component) { c.Skip() }
	silent := func(c *Component) { time.Sleep(silence(c)) }
	for _, tc := range []struct {
		name  string
		from  State
		event func(*Component)
		to    State
		why   Reason
	}{
		{"starting ok", StateStarting, ok, StateOK, ReasonNone},
		{"starting fail", StateStarting, fail, StateDegraded, ReasonFailed},
		{"starting skip", StateStarting, skip, StateStarting, ReasonNeverReported},
		{"starting silence", StateStarting, silent, StateDegraded, ReasonNeverReported},
		{"ok ok", StateOK, ok, StateOK, ReasonNone},
		{"ok fail", StateOK, fail, StateDegraded, ReasonFailed},
		{"ok skip", StateOK, skip, StateOK, ReasonNone},
		{"ok silence", StateOK, silent, StateDegraded, ReasonMissed},
		{"degraded ok", StateDegraded, ok, StateRecovering, ReasonRecovering},
		{"degraded fail", StateDegraded, fail, StateDegraded, ReasonFailed},
		{"degraded skip", StateDegraded, skip, StateDegraded, ReasonFailed},
		{"degraded silence keeps its reason", StateDegraded, silent, StateDegraded, ReasonFailed},
		{"recovering ok", StateRecovering, ok, StateRecovering, ReasonRecovering},
		{"recovering ok late", StateRecovering, late, StateOK, ReasonNone},
		{"recovering fail", StateRecovering, fail, StateDegraded, ReasonFailed},
		{"recovering skip", StateRecovering, skip, StateRecovering, ReasonRecovering},
		{"recovering silence", StateRecovering, silent, StateDegraded, ReasonMissed},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, tr *Tracker) {
				c := declare(t, tr, "auth")
				reach[tc.from](c)
				wantState(t, c, tc.from)
				tc.event(c)
				wantState(t, c, tc.to)
				wantReason(t, c, tc.why)
			})
		})
	}
}

func TestAggregate(t *testing.T) {
	for _, tc := range []struct {
		name     string
		counts   tally
		stopping bool
		want     State
	}{
		{"none", tally{}, false, StateStarting},
		{"all ok", tally{StateOK: 3}, false, StateOK},
		{"one starting", tally{StateOK: 3, StateStarting: 1}, false, StateStarting},
		{"recovering before starting", tally{StateRecovering: 1, StateStarting: 5}, false, StateRecovering},
		{"degraded before all", tally{StateOK: 9, StateDegraded: 1, StateRecovering: 1, StateStarting: 5}, false, StateDegraded},
		{"stopping", tally{StateOK: 3}, true, StateDegraded},
		{"stopping without components", tally{}, true, StateDegraded},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := tc.counts.aggregate(tc.stopping); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}
