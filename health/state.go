package health

import "strconv"

// State is the condition of a component, or of the whole process. The numbers
// are part of the interface: they are what the gauge process_state shows.
//
// These are the moves of a component. Whatever is not drawn does not happen;
// a skip moves nothing.
//
//	          ok
//	starting ─────► ok ◄───────────┐
//	   │             │             │ ok, 10 s or more
//	   │ fail,       │ fail,       │ after the first
//	   │ silence     │ silence     │
//	   │             ▼      ok     │
//	   └────────► degraded ───► recovering
//	                 ▲             │
//	                 └─────────────┘
//	                  fail, silence
//
// The process has no moves of its own: it is the worst of its components.
type State uint8

// The states, from which [State.String] makes the names.
const (
	// StateOK says that the last reports were successes.
	StateOK State = 0
	// StateRecovering says that a degraded component has reported ok again,
	// but has not done so for [RecoveryTime] yet.
	StateRecovering State = 1
	// StateDegraded says that a component failed or fell silent, or that the
	// process shuts down.
	StateDegraded State = 2
	// StateStarting says that a component has reported neither ok nor fail
	// yet, or that a process has no component.
	StateStarting State = 3
)

// states is how many there are.
const states = 4

// String returns the name used in logs and bodies, such as "recovering".
func (s State) String() string {
	switch s {
	case StateOK:
		return "ok"
	case StateRecovering:
		return "recovering"
	case StateDegraded:
		return "degraded"
	case StateStarting:
		return "starting"
	}
	return "state(" + strconv.Itoa(int(s)) + ")"
}

// event is what can happen to a component.
type event uint8

const (
	eventOK      event = iota // an ok
	eventProven               // an ok that comes RecoveryTime or more after the first one
	eventFail                 // a fail
	eventSkip                 // a skip
	eventSilence              // nothing heard for MissedAfter intervals
	events                    // how many there are
)

// moves is the whole state machine: where each event leads from each state.
var moves = [states][events]State{
	StateStarting: {
		eventOK:      StateOK,
		eventProven:  StateOK,
		eventFail:    StateDegraded,
		eventSkip:    StateStarting,
		eventSilence: StateDegraded,
	},
	StateOK: {
		eventOK:      StateOK,
		eventProven:  StateOK,
		eventFail:    StateDegraded,
		eventSkip:    StateOK,
		eventSilence: StateDegraded,
	},
	StateDegraded: {
		eventOK:      StateRecovering,
		eventProven:  StateRecovering,
		eventFail:    StateDegraded,
		eventSkip:    StateDegraded,
		eventSilence: StateDegraded,
	},
	StateRecovering: {
		eventOK:      StateRecovering,
		eventProven:  StateOK,
		eventFail:    StateDegraded,
		eventSkip:    StateRecovering,
		eventSilence: StateDegraded,
	},
}

// tally counts components by their state.
type tally [states]int

// aggregate is the state of a process with these components.
func (n tally) aggregate(stopping bool) State {
	switch {
	case stopping || n[StateDegraded] > 0:
		return StateDegraded
	case n[StateRecovering] > 0:
		return StateRecovering
	case n[StateStarting] > 0 || n[StateOK] == 0:
		return StateStarting
	}
	return StateOK
}
