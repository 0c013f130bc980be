package health

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestRecoveryTakesTenSecondsFromTheFirstOK(t *testing.T) {
	for _, tc := range []struct {
		after time.Duration
		want  State
	}{
		{9999 * time.Millisecond, StateRecovering},
		{10*time.Second - 1, StateRecovering},
		{10 * time.Second, StateOK},
		{10*time.Second + 1, StateOK},
		{10001 * time.Millisecond, StateOK},
	} {
		t.Run(tc.after.String(), func(t *testing.T) {
			inBubble(t, func(t *testing.T, tr *Tracker) {
				c := declare(t, tr, "auth")
				c.Fail(errors.New("down"))
				time.Sleep(3 * time.Second)
				c.OK() // the first
				time.Sleep(5 * time.Second)
				c.OK() // on the way, restarts nothing
				time.Sleep(tc.after - 5*time.Second)
				wantState(t, c, StateRecovering) // time alone proves nothing
				c.OK()
				wantState(t, c, tc.want)
				wantState(t, tr, tc.want)
			})
		})
	}
}

func TestFailDuringRecoveryStartsItAnew(t *testing.T) {
	inBubble(t, func(t *testing.T, tr *Tracker) {
		c := declare(t, tr, "auth")
		c.Fail(errors.New("down"))
		c.OK()
		time.Sleep(9 * time.Second)
		c.Fail(errors.New("down again"))
		wantState(t, c, StateDegraded)
		c.OK()
		time.Sleep(9999 * time.Millisecond)
		c.OK()
		wantState(t, c, StateRecovering)
		time.Sleep(time.Millisecond)
		c.OK()
		wantState(t, c, StateOK)
	})
}

func TestSilenceDegrades(t *testing.T) {
	lastWords := map[string]func(*Component){
		"declared":   func(*Component) {},
		"ok":         func(c *Component) { c.OK() },
		"skip":       func(c *Component) { c.Skip() },
		"recovering": func(c *Component) { c.Fail(nil); c.OK() },
	}
	for what, say := range lastWords {
		for _, early := range []time.Duration{time.Millisecond, 1, 0, -1, -time.Millisecond} {
			t.Run(fmt.Sprint(what, " ", -early), func(t *testing.T) {
				inBubble(t, func(t *testing.T, tr *Tracker) {
					c := declare(t, tr, "auth", Interval(7*time.Second))
					time.Sleep(20 * time.Second)
					say(c)
					before := c.State()
					if what == "declared" {
						time.Sleep(time.Second - early)
					} else {
						time.Sleep(21*time.Second - early)
					}
					want := before
					if early <= 0 {
						want = StateDegraded
					}
					wantState(t, c, want)
				})
			})
		}
	}
}

// By a timer: the change is there although nobody reported or read anything.
func TestSilenceNeedsNoEvent(t *testing.T) {
	inBubble(t, func(t *testing.T, tr *Tracker) {
		c := declare(t, tr, "auth")
		c.OK()
		time.Sleep(silence(c))
		synctest.Wait()
		tr.mu.Lock()
		state, entered := c.state, tr.history.seq
		tr.mu.Unlock()
		if state != StateDegraded || entered != 4 {
			t.Errorf("got %s after %d changes, want degraded after 4", state, entered)
		}
	})
}

// By any reader: the answer is right although the timer has not run.
func TestReadsDoNotNeedTheTimer(t *testing.T) {
	for name, read := range map[string]func(*Tracker, *Component) State{
		"tracker":   func(tr *Tracker, _ *Component) State { return tr.State() },
		"component": func(_ *Tracker, c *Component) State { return c.State() },
		"snapshot":  func(tr *Tracker, _ *Component) State { return tr.Snapshot().State },
		"history":   func(tr *Tracker, _ *Component) State { h := tr.History(); return h[len(h)-1].To },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, tr *Tracker) {
				c := declare(t, tr, "auth")
				c.OK()
				tr.mu.Lock()
				tr.timer.Stop()
				tr.mu.Unlock()
				time.Sleep(silence(c))
				if got := read(tr, c); got != StateDegraded {
					t.Errorf("got %s, want degraded", got)
				}
			})
		})
	}
}

// A report that comes too late does not hide that it came too late.
func TestLateReportComesAfterTheDeadline(t *testing.T) {
	for _, late := range []time.Duration{0, 1, time.Second} {
		t.Run(late.String(), func(t *testing.T) {
			inBubble(t, func(t *testing.T, tr *Tracker) {
				c := declare(t, tr, "auth")
				c.OK()
				tr.mu.Lock()
				tr.timer.Stop()
				tr.mu.Unlock()
				time.Sleep(silence(c) + late)
				c.OK()
				wantState(t, c, StateRecovering)
				h := tr.History()
				if missed := h[len(h)-4]; missed.To != StateDegraded || missed.Reason != ReasonMissed {
					t.Errorf("got %+v, want the missed deadline", missed)
				}
			})
		})
	}
}

func TestReportsMoveTheDeadline(t *testing.T) {
	for name, report := range map[string]func(*Component){
		"ok":   func(c *Component) { c.OK() },
		"skip": func(c *Component) { c.Skip() },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, tr *Tracker) {
				c := declare(t, tr, "auth")
				report(c)
				want := c.State()
				for range 1000 {
					time.Sleep(silence(c) - 1)
					report(c)
				}
				wantState(t, c, want)
				if n := len(tr.History()); n > 2 {
					t.Errorf("got %d changes, want at most 2", n)
				}
				time.Sleep(silence(c) - 1)
				wantState(t, c, want)
				time.Sleep(time.Nanosecond)
				wantState(t, c, StateDegraded)
			})
		})
	}
}

func TestReasonsOfSilence(t *testing.T) {
	inBubble(t, func(t *testing.T, tr *Tracker) {
		c := declare(t, tr, "auth")
		time.Sleep(10 * time.Second)
		c.Skip() // it lives, and has 15 s more
		time.Sleep(15 * time.Second)
		wantReason(t, c, ReasonNeverReported)
		c.OK()
		time.Sleep(15 * time.Second)
		wantReason(t, c, ReasonMissed)
		c.Fail(errors.New("now we know"))
		wantReason(t, c, ReasonFailed)
		time.Sleep(time.Hour)
		wantReason(t, c, ReasonFailed)
	})
}

func TestManyDeadlinesAtOnceGoInOrder(t *testing.T) {
	inBubble(t, func(t *testing.T, tr *Tracker) {
		const n = 50
		for i := range n {
			declare(t, tr, fmt.Sprintf("c%02d", i), Interval(time.Duration(1+i%2)*time.Second))
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		var names []string
		for _, tr := range tr.History() {
			if tr.Component != "" {
				names = append(names, tr.Component)
			}
		}
		if len(names) != n {
			t.Fatalf("got %d changes, want %d", len(names), n)
		}
		for i := range n {
			want := fmt.Sprintf("c%02d", 2*i%n+2*i/n)
			if names[i] != want {
				t.Fatalf("change %d: got %s, want %s", i, names[i], want)
			}
		}
	})
}

func TestChangedIntervalCountsFromTheChange(t *testing.T) {
	inBubble(t, func(t *testing.T, tr *Tracker) {
		c := declare(t, tr, "auth", Interval(time.Minute))
		c.OK()
		time.Sleep(time.Minute)
		if tr.Component("auth", Interval(time.Second)) != c {
			t.Fatal("got another component")
		}
		time.Sleep(3*time.Second - 1)
		wantState(t, c, StateOK)
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		wantState(t, c, StateDegraded)
		tr.Component("auth", Interval(time.Hour)) // degraded stays degraded
		c.OK()
		time.Sleep(2 * time.Hour)
		wantState(t, c, StateRecovering)
	})
}
