package health

import "strconv"

// Reason says why a component or the process is in its state, in a word or
// two that hold no error text, so that they can be shown to anybody.
type Reason uint8

// The reasons, from which [Reason.String] makes the words.
const (
	// ReasonNone goes with [StateOK].
	ReasonNone Reason = iota
	// ReasonNeverReported: neither an ok nor a fail has come yet. It goes with
	// [StateStarting], and with [StateDegraded] when the component was not
	// heard of in time.
	ReasonNeverReported
	// ReasonFailed: the component reported a failure. It holds until the next
	// ok, also when the component falls silent meanwhile, and takes the place
	// of the other reasons to be degraded.
	ReasonFailed
	// ReasonMissed: nothing was heard for [MissedAfter] intervals.
	ReasonMissed
	// ReasonRecovering: the component is ok again, but not for long enough.
	ReasonRecovering
	// ReasonShuttingDown is the process's own: [Tracker.Stopping] was called.
	ReasonShuttingDown
)

// String returns the words used in logs and bodies, such as "never reported";
// for [ReasonNone] the empty string.
func (r Reason) String() string {
	switch r {
	case ReasonNone:
		return ""
	case ReasonNeverReported:
		return "never reported"
	case ReasonFailed:
		return "failed"
	case ReasonMissed:
		return "missed"
	case ReasonRecovering:
		return "recovering"
	case ReasonShuttingDown:
		return "shutting down"
	}
	return "reason(" + strconv.Itoa(int(r)) + ")"
}

// reasonFor is why a component that was in state from is in state to after e.
func reasonFor(from, to State, e event) Reason {
	switch {
	case to == StateOK:
		return ReasonNone
	case to == StateRecovering:
		return ReasonRecovering
	case to == StateStarting || from == StateStarting && e == eventSilence:
		return ReasonNeverReported
	case e == eventSilence:
		return ReasonMissed
	}
	return ReasonFailed
}
