package health

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestHistoryIsBounded(t *testing.T) {
	inBubble(t, func(t *testing.T, tr *Tracker) {
		c := declare(t, tr, "auth", Interval(time.Hour))
		for n := range 400 { // each round is four changes: two of auth, two of the process
			c.Fail(nil)
			c.OK()
			h := tr.History()
			if want := min(4*(n+1), HistoryLimit); len(h) != want {
				t.Fatalf("round %d: got %d entries, want %d", n, len(h), want)
			}
			for i, got := range h {
				if want := uint64(4*(n+1) - len(h) + i + 1); got.Seq != want {
					t.Fatalf("round %d: entry %d has number %d, want %d", n, i, got.Seq, want)
				}
			}
			time.Sleep(time.Second)
		}
	})
}

func TestHistoryBelongsToTheCaller(t *testing.T) {
	tr := newTracker(t)
	declare(t, tr, "auth").OK()
	tr.History()[0].Component = "changed"
	if got := tr.History()[0].Component; got != "auth" {
		t.Errorf("got %q", got)
	}
}

func TestChangesAreLogged(t *testing.T) {
	var log bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		tr := New(WithLogger(textLogger(&log)))
		defer tr.Close()
		auth := declare(t, tr, "auth")
		proxy := declare(t, tr, "proxy", Interval(time.Minute))
		auth.OK()
		auth.OK()
		auth.Skip()
		proxy.OK()
		proxy.Fail(errors.New("dial: refused\nsecond line"))
		proxy.Fail(errors.New("again"))
		proxy.OK()
		time.Sleep(15 * time.Second)
		proxy.OK()
	})
	want := `level=INFO msg="component state changed" component=auth from=starting to=ok
level=INFO msg="component state changed" component=proxy from=starting to=ok
level=INFO msg="process state changed" from=starting to=ok
level=WARN msg="component state changed" component=proxy from=ok to=degraded reason=failed err="dial: refused\nsecond line"
level=WARN msg="process state changed" from=ok to=degraded reason=failed
level=INFO msg="component state changed" component=proxy from=degraded to=recovering reason=recovering
level=INFO msg="process state changed" from=degraded to=recovering reason=recovering
level=WARN msg="component state changed" component=auth from=ok to=degraded reason=missed
level=WARN msg="process state changed" from=recovering to=degraded reason=missed
level=INFO msg="component state changed" component=proxy from=recovering to=ok
`
	if log.String() != want {
		t.Errorf("got\n%swant\n%s", &log, want)
	}
}

// The process gives the reason of those that are left, not of the one that left.
func TestReasonsOfTheProcess(t *testing.T) {
	inBubble(t, func(t *testing.T, tr *Tracker) {
		auth := declare(t, tr, "auth", Interval(time.Minute))
		proxy := declare(t, tr, "proxy", Interval(time.Minute))
		auth.Fail(nil)
		auth.OK()
		time.Sleep(RecoveryTime)
		auth.OK()
		proxy.OK()
		want := []Transition{
			{From: StateStarting, To: StateDegraded, Reason: ReasonFailed},
			{From: StateDegraded, To: StateRecovering, Reason: ReasonRecovering},
			{From: StateRecovering, To: StateStarting, Reason: ReasonNeverReported},
			{From: StateStarting, To: StateOK, Reason: ReasonNone},
		}
		var got []Transition
		for _, tr := range tr.History() {
			if tr.Component == "" {
				got = append(got, Transition{From: tr.From, To: tr.To, Reason: tr.Reason})
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("got  %v\nwant %v", got, want)
		}
	})
}

// What teleport#50589 shows: the announcement of a proxy fails every minute or
// so while its backend is away, and the ticks between, which had nothing to do,
// were counted as successes. So readiness went round in circles while nothing
// worked. Here a tick with nothing to do is a skip.
func TestTicksWithNothingToDoAreNoSuccess(t *testing.T) {
	inBubble(t, func(t *testing.T, tr *Tracker) {
		proxy := declare(t, tr, "proxy")
		for minute := range 10 {
			for tick := range 12 {
				switch {
				case tick > 0:
					proxy.Skip()
				case minute == 0 || minute >= 8:
					proxy.OK()
				default: // from minute 1 to 7 the backend is away
					proxy.Fail(errors.New("auth is unreachable"))
				}
				want := StateDegraded
				switch {
				case minute == 0 || minute == 9:
					want = StateOK
				case minute == 8:
					want = StateRecovering
				}
				if got := tr.State(); got != want {
					t.Fatalf("minute %d, tick %d: got %s, want %s", minute, tick, got, want)
				}
				time.Sleep(5 * time.Second)
			}
		}
		if n := status(t, proxy).Transitions; n != [states]uint64{StateOK: 2, StateDegraded: 1, StateRecovering: 1} {
			t.Errorf("got moves %v: it flapped", n)
		}
	})
}
