package health

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// A script is what a test does to a tracker: it waits, reports, waits…
type script struct {
	intervals []time.Duration
	steps     []step
}

type step struct {
	wait      time.Duration
	component int
	what      string
	settle    bool // let timers run before the report; else the report must catch up
	look      bool // compare everything after the report
}

// waits are the moments at which something is decided, each met exactly, just
// missed and just passed, and some between. i is an interval.
func waits(i time.Duration) []time.Duration {
	return []time.Duration{
		0, time.Millisecond, time.Second, i / 2, i, 2 * i,
		9999 * time.Millisecond, 10 * time.Second, 10001 * time.Millisecond,
		3*i - time.Millisecond, 3*i - 1, 3 * i, 3*i + 1, 3*i + time.Millisecond, 7 * i,
	}
}

// replay runs a script against a tracker in virtual time, and compares the
// tracker with the model on the way and at the end.
func replay(t *testing.T, s script) {
	t.Helper()
	log := &recorder{}
	synctest.Test(t, func(t *testing.T) {
		tr := New(WithLogger(slog.New(log)))
		defer tr.Close()
		r := &replayed{t: t, tracker: tr, begun: time.Now(), log: log}
		for i, interval := range s.intervals {
			name := fmt.Sprintf("c%d", i)
			r.declared = append(r.declared, modelComponent{name: name, interval: interval})
			r.components = append(r.components, declare(t, tr, name, Interval(interval)))
		}
		for _, st := range s.steps {
			r.take(st)
		}
		time.Sleep(time.Hour) // everybody falls silent in the end
		synctest.Wait()
		r.compare()
	})
}

type replayed struct {
	t          *testing.T
	tracker    *Tracker
	begun      time.Time
	log        *recorder
	declared   []modelComponent
	components []*Component
	reports    []happened
}

func (r *replayed) take(st step) {
	time.Sleep(st.wait)
	if st.settle {
		synctest.Wait()
	}
	c := r.components[st.component]
	switch st.what {
	case "ok":
		c.OK()
	case "fail":
		c.Fail(errors.New("broken"))
	case "skip":
		c.Skip()
	case "look":
		r.compare()
		return
	}
	r.reports = append(r.reports, happened{time.Since(r.begun), st.component, st.what})
	if st.look {
		r.compare()
	}
}

// compare holds the tracker against the model.
func (r *replayed) compare() {
	r.t.Helper()
	now := time.Since(r.begun)
	changes := modelHistory(r.declared, r.reports, now)
	got := r.tracker.Snapshot()
	if want := r.wantProcess(); got.State != want || r.tracker.State() != want {
		r.fatalf("process at %s: got %s, want %s", now, got.State, want)
	}
	for i := range r.components {
		r.compareComponent(i, got.Components[i], changes)
	}
	r.compareHistory(changes)
}

func (r *replayed) wantProcess() State {
	var all []State
	for i := range r.components {
		state, _ := r.wantComponent(i)
		all = append(all, state)
	}
	return worst(all)
}

func (r *replayed) mine(i int) []happened {
	return slices.DeleteFunc(slices.Clone(r.reports), func(h happened) bool { return h.component != i })
}

func (r *replayed) wantComponent(i int) (State, Reason) {
	return lookBack(withSilence(r.declared[i], r.mine(i), time.Since(r.begun)))
}

func (r *replayed) compareComponent(i int, got ComponentStatus, changes []modelChange) {
	r.t.Helper()
	state, reason := r.wantComponent(i)
	if got.State != state || got.Reason != reason || r.components[i].State() != state {
		r.fatalf("c%d: got %s (%s), want %s (%s)", i, got.State, got.Reason, state, reason)
	}
	var since, lastOK time.Duration
	var into [states]uint64
	for _, c := range changes {
		if c.component == i {
			since = c.at
			into[c.to]++
		}
	}
	count := map[string]uint64{}
	for _, h := range r.mine(i) {
		count[h.what]++
		if h.what == "ok" {
			lastOK = h.at
		}
	}
	if got.Since != r.begun.Add(since) || got.Transitions != into {
		r.fatalf("c%d: got since %s, moves %v, want %s, %v", i, got.Since.Sub(r.begun), got.Transitions, since, into)
	}
	if got.OKs != count["ok"] || got.Fails != count["fail"] || got.Skips != count["skip"] {
		r.fatalf("c%d: got %d, %d, %d reports, want %v", i, got.OKs, got.Fails, got.Skips, count)
	}
	if count["ok"] > 0 && got.LastOK != r.begun.Add(lastOK) {
		r.fatalf("c%d: got last ok %s, want %s", i, got.LastOK.Sub(r.begun), lastOK)
	}
	if wait := since + 10*time.Second - time.Since(r.begun); state == StateRecovering && got.OKIn != max(0, wait) {
		r.fatalf("c%d: got ok in %s, want %s", i, got.OKIn, max(0, wait))
	}
}

func (r *replayed) compareHistory(want []modelChange) {
	r.t.Helper()
	got := r.tracker.History()
	if len(got) != min(len(want), HistoryLimit) {
		r.fatalf("got %d changes, want %d", len(got), len(want))
	}
	synctest.Wait()
	if lines := len(r.log.all()); lines != len(want) {
		r.fatalf("got %d log lines, want %d", lines, len(want))
	}
	skipped := len(want) - len(got)
	for i, g := range got {
		w := want[skipped+i]
		name := ""
		if w.component >= 0 {
			name = r.declared[w.component].name
		}
		wanted := Transition{uint64(skipped + i + 1), r.begun.Add(w.at), name, w.from, w.to, w.reason, g.Err}
		if g != wanted {
			r.fatalf("change %d:\n got %+v\nwant %+v", g.Seq, g, wanted)
		}
	}
}

func (r *replayed) fatalf(format string, args ...any) {
	r.t.Helper()
	r.t.Fatalf("%s\ndeclared %v\nreports %v", fmt.Sprintf(format, args...), r.declared, r.reports)
}

// randomScript makes up a script from a seed.
func randomScript(seed uint64) script {
	rnd := rand.New(rand.NewPCG(seed, 1))
	choices := []time.Duration{time.Second, 2 * time.Second, 5 * time.Second, 30 * time.Second}
	var s script
	for range 1 + rnd.IntN(4) {
		s.intervals = append(s.intervals, choices[rnd.IntN(len(choices))])
	}
	kinds := []string{"ok", "ok", "ok", "ok", "fail", "skip", "skip", "look"}
	for range 60 + rnd.IntN(60) {
		all := waits(s.intervals[rnd.IntN(len(s.intervals))])
		st := step{
			component: rnd.IntN(len(s.intervals)),
			what:      kinds[rnd.IntN(len(kinds))],
			settle:    rnd.IntN(2) == 0,
			look:      rnd.IntN(4) == 0,
		}
		switch rnd.IntN(3) { // mostly short, or nobody would ever be ok
		case 0:
			st.wait = all[rnd.IntN(len(all))]
		case 1:
			st.wait = all[rnd.IntN(6)]
		}
		s.steps = append(s.steps, st)
	}
	return s
}

func TestTrackerAgreesWithTheModel(t *testing.T) {
	seeds := uint64(400)
	if testing.Short() {
		seeds = 40
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { replay(t, randomScript(seed)) })
	}
}

// scriptFrom reads a script from bytes: the intervals, then three bytes a step.
func scriptFrom(data []byte) script {
	if len(data) < 2 {
		return script{intervals: []time.Duration{5 * time.Second}}
	}
	var s script
	for n := range 1 + int(data[0])%4 {
		s.intervals = append(s.intervals, time.Duration(1+(int(data[1])>>n)%31)*time.Second)
	}
	kinds := []string{"ok", "fail", "skip", "look"}
	for data = data[2:]; len(data) >= 3 && len(s.steps) < 200; data = data[3:] {
		component := int(data[0]) % len(s.intervals)
		all := waits(s.intervals[component])
		wait := time.Duration(data[1]) * 100 * time.Millisecond
		if int(data[1]) < 4*len(all) {
			wait = all[int(data[1])%len(all)]
		}
		s.steps = append(s.steps, step{
			wait:      wait,
			component: component,
			what:      kinds[int(data[2])%len(kinds)],
			settle:    data[2]&0x10 != 0,
			look:      data[2]&0x20 != 0,
		})
	}
	return s
}

func FuzzTrackerAgreesWithTheModel(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0, 4, 0, 4, 0, 0, 6, 1, 0, 4, 0, 0, 6, 0, 0, 7, 0x20})
	f.Add([]byte{3, 17, 0, 11, 0x30, 1, 9, 0x20, 2, 13, 1, 3, 12, 2, 0, 0, 0, 1, 7, 0, 1, 7, 0x10})
	f.Fuzz(func(t *testing.T, data []byte) { replay(t, scriptFrom(data)) })
}
