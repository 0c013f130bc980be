package health

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
)

// aggregateOf is the state of a process, computed anew from a snapshot.
func aggregateOf(s Snapshot) State {
	var all []State
	for _, c := range s.Components {
		all = append(all, c.State)
	}
	return worst(all)
}

// Whatever happens meanwhile, a snapshot is of one moment, and so is an answer.
func TestSnapshotsAreConsistent(t *testing.T) {
	tr := newTracker(t, WithInterval(2*time.Millisecond)) // so that deadlines take part
	var components []*Component
	for i := range 8 {
		components = append(components, declare(t, tr, fmt.Sprint("c", i)))
	}
	stop := make(chan struct{})
	var writers, readers sync.WaitGroup
	for i, c := range components {
		writers.Go(func() { flip(c, i, stop) })
	}
	handler := mounted(tr)
	for range 2 {
		readers.Go(func() {
			for range 3000 {
				s := tr.Snapshot()
				if want := aggregateOf(s); s.State != want {
					t.Errorf("snapshot: got %s, want %s of %+v", s.State, want, s.Components)
				}
			}
		})
		readers.Go(func() {
			for range 1000 {
				checkVerbose(t, do(handler, "GET", "/readyz?verbose").Body.Bytes())
			}
		})
	}
	readers.Wait()
	close(stop)
	writers.Wait()
}

// flip makes a component change its state all the time.
func flip(c *Component, seed int, stop <-chan struct{}) {
	err := errors.New("x")
	for n := seed; ; n++ {
		select {
		case <-stop:
			return
		default:
		}
		switch n % 5 {
		case 0:
			c.Fail(err)
		case 1:
			c.Skip()
		default:
			c.OK()
		}
		if c.State() == StateRecovering && n%3 == 0 {
			c.mu.Lock() // ten seconds are long: let it recover at once
			c.since = c.since.Add(-RecoveryTime)
			c.mu.Unlock()
		}
	}
}

// checkVerbose holds the state of an answer against its components.
func checkVerbose(t *testing.T, body []byte) {
	t.Helper()
	var answer readiness
	if err := json.Unmarshal(body, &answer); err != nil {
		t.Fatal(err)
	}
	byName := map[string]State{"ok": StateOK, "recovering": StateRecovering, "degraded": StateDegraded, "starting": StateStarting}
	var all []State
	for _, c := range *answer.Components {
		all = append(all, byName[c.State])
	}
	want := worst(all).String()
	if answer.State != want || !strings.HasPrefix(answer.Status, want) {
		t.Errorf("got %s, want %s", body, want)
	}
}

// Nothing is lost: every report of many goroutines is counted.
func TestEveryReportIsCounted(t *testing.T) {
	tr := newTracker(t, WithInterval(time.Hour))
	const components, beats = 200, 300
	err := errors.New("x")
	var wg sync.WaitGroup
	for i := range components {
		c := declare(t, tr, fmt.Sprint("c", i))
		for range 2 {
			wg.Go(func() {
				for n := range beats {
					[]func(){c.OK, c.Skip, func() { c.Fail(err) }}[n%3]()
				}
			})
		}
	}
	wg.Wait()
	for _, c := range tr.Snapshot().Components {
		if want := uint64(2 * beats / 3); c.OKs != want || c.Skips != want || c.Fails != want {
			t.Errorf("%s: got %d, %d, %d, want %d of each", c.Name, c.OKs, c.Skips, c.Fails, want)
		}
	}
}

func TestSnapshotDoesNotChange(t *testing.T) {
	inBubble(t, func(t *testing.T, tr *Tracker) {
		c := declare(t, tr, "auth")
		declare(t, tr, "proxy")
		c.OK()
		s, again := tr.Snapshot(), tr.Snapshot()
		if !reflect.DeepEqual(s, again) {
			t.Errorf("got %+v, then %+v", s, again)
		}
		view, _ := s.Without("proxy")
		one, _ := s.Only("auth")
		view.Components[0].Name, one.Components[0].Name = "changed", "changed"
		time.Sleep(time.Hour)
		c.Fail(errors.New("x"))
		declare(t, tr, "node")
		if !reflect.DeepEqual(s, again) {
			t.Errorf("got %+v, want %+v", s, again)
		}
	})
}

func TestSnapshotTellsWhatIsKnown(t *testing.T) {
	inBubble(t, func(t *testing.T, tr *Tracker) {
		begun := time.Now()
		at := func(s int) time.Time { return begun.Add(time.Duration(s) * time.Second) }
		down := errors.New("down")
		c := declare(t, tr, "auth", Interval(time.Minute))
		time.Sleep(time.Second)
		c.OK()
		time.Sleep(time.Second)
		c.Fail(down)
		time.Sleep(time.Second)
		c.OK()
		time.Sleep(time.Second)
		c.Skip()
		time.Sleep(time.Second)
		want := ComponentStatus{
			Name: "auth", State: StateRecovering, Since: at(3), Reason: ReasonRecovering, Interval: time.Minute,
			LastReport: at(4), LastOK: at(3), LastFail: at(2), Err: down, OKIn: 8 * time.Second,
			OKs: 2, Fails: 1, Skips: 1, Transitions: [states]uint64{StateOK: 1, StateDegraded: 1, StateRecovering: 1},
		}
		if got := status(t, c); got != want {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
		if s := tr.Snapshot(); s.At != at(5) || s.Since != at(3) {
			t.Errorf("got at %s since %s", s.At, s.Since)
		}
		time.Sleep(time.Minute)
		if got := status(t, c).OKIn; got != 0 {
			t.Errorf("got ok in %s, want 0: the next ok ends it", got)
		}
	})
}

func TestWithoutAndOnly(t *testing.T) {
	inBubble(t, func(t *testing.T, tr *Tracker) {
		begun := time.Now()
		declare(t, tr, "auth", Interval(time.Hour)).OK()
		time.Sleep(time.Second)
		declare(t, tr, "proxy", Interval(time.Hour)).Fail(nil)
		time.Sleep(time.Second)
		declare(t, tr, "node", Interval(time.Hour)).Fail(nil)
		s := tr.Snapshot()
		for _, tc := range []struct {
			without []string
			want    State
			since   time.Duration
			unknown []string
		}{
			{nil, StateDegraded, time.Second, nil},
			{[]string{"proxy"}, StateDegraded, 2 * time.Second, nil},
			{[]string{"proxy", "node"}, StateOK, 0, nil},
			{[]string{"proxy", "node", "auth", "auth"}, StateStarting, 0, nil},
			{[]string{"x", "node", "y", "x"}, StateDegraded, time.Second, []string{"x", "y"}},
		} {
			view, unknown := s.Without(tc.without...)
			if view.State != tc.want || view.Since.Sub(begun) != tc.since || !reflect.DeepEqual(unknown, tc.unknown) {
				t.Errorf("without %q: got %s since %s, unknown %q", tc.without, view.State, view.Since.Sub(begun), unknown)
			}
		}
		if one, ok := s.Only("auth"); !ok || one.State != StateOK || len(one.Components) != 1 {
			t.Errorf("only auth: got %+v", one)
		}
		if none, ok := s.Only("x"); ok || none.State != StateStarting || len(none.Components) != 0 {
			t.Errorf("only x: got %+v", none)
		}
		if _, ok := s.Component("x"); ok {
			t.Error("found x")
		}
		if len(s.Components) != 3 {
			t.Error("the snapshot was changed")
		}
	})
}
