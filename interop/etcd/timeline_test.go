package etcd

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/telltale-agent/telltale/interop/internal/etcdserver"
	"github.com/telltale-agent/telltale/interop/internal/harness"
)

// component is the name under which every telltale here watches etcd.
const component = "etcd"

// heartbeat is short enough for a quick test, and long enough for a probe on a machine that has other things to do.
const heartbeat = "2s"

// recovery is how long a component has to be well again before it counts as ok.
const recovery = 10 * time.Second

// codes are the answer of /readyz and the value of process_state in each state.
var codes = map[string]struct {
	status int
	metric float64
}{
	"ok":         {200, 0},
	"recovering": {400, 1},
	"degraded":   {503, 2},
	"starting":   {400, 3},
}

// timeline collects the states that one telltale was seen in.
type timeline struct {
	telltale *harness.Process

	mu   sync.Mutex
	seen []harness.Readiness // guarded by mu; the first verbose answer of each stretch in one state
	errs []error             // guarded by mu; contradictions
}

// watch samples a telltale until the test ends.
func watch(t *testing.T, telltale *harness.Process) *timeline {
	t.Helper()
	l := &timeline{telltale: telltale}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			l.report(l.sample())
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-done
		l.mu.Lock()
		defer l.mu.Unlock()
		for _, err := range l.errs {
			t.Error(err)
		}
	})
	return l
}

// report keeps the first contradictions: whatever is wrong is wrong until the state changes.
func (l *timeline) report(err error) {
	const enough = 5
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil && len(l.errs) < enough {
		l.errs = append(l.errs, err)
	}
}

// sample reads readiness, metrics and readiness once more. Where nothing changed between the first and the last, all
// of it must say the same.
func (l *timeline) sample() error {
	before, err := l.telltale.Ready("/readyz?verbose")
	if err != nil {
		return err
	}
	l.note(before)
	metrics, err := l.telltale.Scrape()
	if err != nil {
		return err
	}
	alone, err := l.telltale.Ready("/readyz/" + component)
	if err != nil {
		return err
	}
	short, err := l.telltale.Ready("/readyz")
	if err != nil {
		return err
	}
	after, err := l.telltale.Ready("/readyz?verbose")
	if err != nil {
		return err
	}
	l.note(after)
	if before.State != after.State || !before.Since.Equal(after.Since) {
		return nil
	}
	return contradiction(before, alone, short, metrics)
}

// note keeps an answer that begins a new stretch.
func (l *timeline) note(r harness.Readiness) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.seen); n == 0 || l.seen[n-1].State != r.State {
		l.seen = append(l.seen, r)
	}
}

// contradiction compares everything that was read while the state stood still.
func contradiction(verbose, alone, short harness.Readiness, metrics harness.Families) error {
	want, known := codes[verbose.State]
	if !known {
		return fmt.Errorf("unknown state %q", verbose.State)
	}
	if state, _ := metrics.Value("process_state"); state != want.metric {
		return fmt.Errorf("process_state is %v while /readyz is %s since %v", state, verbose.State, verbose.Since)
	}
	if state, _ := metrics.Value("telltale_component_state", "component", component); state != want.metric {
		return fmt.Errorf("telltale_component_state is %v while the component is %s", state, verbose.State)
	}
	for path, r := range map[string]harness.Readiness{"?verbose": verbose, "/" + component: alone, "": short} {
		if r.Code != want.status {
			return fmt.Errorf("/readyz%s answers %d in state %s, want %d", path, r.Code, verbose.State, want.status)
		}
		if word, _, _ := strings.Cut(r.Status, ":"); word != verbose.State {
			return fmt.Errorf("/readyz%s has status %q in state %s", path, r.Status, verbose.State)
		}
		if r.Status != "ok" && !strings.Contains(r.Status, component) {
			return fmt.Errorf("/readyz%s does not name the component: %q", path, r.Status)
		}
	}
	c, ok := verbose.Component(component)
	if !ok || c.State != verbose.State {
		return fmt.Errorf("the only component is %v while all is %s", c, verbose.State)
	}
	return nil
}

// stretches is what was noted so far.
func (l *timeline) stretches() []harness.Readiness {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.seen[:len(l.seen):len(l.seen)]
}

// await waits for the n-th state, counted from 0, and fails if it is another one than wanted.
func (l *timeline) await(t *testing.T, n int, want string) harness.Readiness {
	t.Helper()
	harness.Await(t, fmt.Sprintf("state %d to be %s", n, want), func() error {
		if seen := l.stretches(); len(seen) <= n {
			return fmt.Errorf("the states so far: %v", names(seen))
		}
		return nil
	})
	seen := l.stretches()
	if seen[n].State != want {
		t.Fatalf("state %d is %s, want %s; all: %v", n, seen[n].State, want, names(seen))
	}
	return seen[n]
}

func names(seen []harness.Readiness) []string {
	var names []string
	for _, r := range seen {
		names = append(names, r.State)
	}
	return names
}

// watched are the ways to look at one etcd.
func watched(addr string) map[string]string {
	return map[string]string{
		"http": "http://" + addr + "/health",
		"tcp":  "tcp://" + addr,
		"grpc": "grpc://" + addr,
	}
}

// TestRestart lets three telltales watch one etcd, each in another way, while it is stopped and started again. All go
// from ok to degraded, to recovering, and to ok when ten seconds have passed since the first success, and nowhere else.
func TestRestart(t *testing.T) {
	t.Parallel()
	m := etcdserver.New(t)
	m.Start(t)
	timelines := map[string]*timeline{}
	for way, url := range watched(m.Client) {
		telltale := harness.Start(t, "--component", component+"="+url, "--heartbeat", heartbeat)
		harness.Await(t, "the first success", func() error { return isReady(telltale) })
		timelines[way] = watch(t, telltale)
	}
	for _, l := range timelines {
		l.await(t, 0, "ok")
	}
	m.Stop()
	for way, l := range timelines {
		degraded := l.await(t, 1, "degraded")
		if c, _ := degraded.Component(component); c.Reason != "failed" {
			t.Errorf("%s: the reason is %q, want failed", way, c.Reason)
		}
	}
	m.Start(t)
	for way, l := range timelines {
		recovering := l.await(t, 2, "recovering")
		ok := l.await(t, 3, "ok")
		checkRecovery(t, way, recovering, ok)
		checkLog(t, way, l.telltale)
		checkTransitions(t, way, l.telltale)
	}
}

func isReady(telltale *harness.Process) error {
	ready, err := telltale.Ready("/readyz")
	if err == nil && ready.Code != 200 {
		err = fmt.Errorf("it is %s", ready.Status)
	}
	return err
}

// checkRecovery measures the recovery by the times in the answers themselves.
func checkRecovery(t *testing.T, way string, recovering, ok harness.Readiness) {
	t.Helper()
	before, _ := recovering.Component(component)
	after, _ := ok.Component(component)
	if took := after.Since.Sub(before.Since); took < recovery {
		t.Errorf("%s: recovering since %v and ok since %v, that is %v, want %v at least", way, before.Since, after.Since, took, recovery)
	}
	if took := ok.Since.Sub(recovering.Since); took < recovery {
		t.Errorf("%s: the process was recovering for %v, want %v at least", way, took, recovery)
	}
	if after.LastOK == nil || after.LastOK.Before(after.Since) {
		t.Errorf("%s: the last success was at %v, ok is since %v", way, after.LastOK, after.Since)
	}
}

// checkLog wants one line for each change of the component and none besides.
func checkLog(t *testing.T, way string, telltale *harness.Process) {
	t.Helper()
	const changes = 4
	harness.Await(t, "the line about the last change", func() error {
		if n := len(telltale.LogWith("component", component)); n < changes {
			return fmt.Errorf("%d lines about the component, want one for each of %d changes", n, changes)
		}
		return nil
	})
	if lines := telltale.LogWith("component", component); len(lines) > changes {
		t.Errorf("%s: %d log lines about the component, want one for each of %d changes: %v", way, len(lines), changes, lines)
	}
}

// checkTransitions wants each change counted once.
func checkTransitions(t *testing.T, way string, telltale *harness.Process) {
	t.Helper()
	metrics := telltale.MustScrape(t)
	for state, want := range map[string]float64{"ok": 2, "degraded": 1, "recovering": 1} {
		got := metrics.Sum("telltale_component_transitions_total", "component", component, "state", state)
		if got != want {
			t.Errorf("%s: %v changes to %s are counted, want %v", way, got, state, want)
		}
	}
	for _, result := range []string{"ok", "fail"} {
		if metrics.Sum("telltale_component_heartbeats_total", "component", component, "result", result) == 0 {
			t.Errorf("%s: no heartbeat is counted as %s", way, result)
		}
	}
}

// TestStarting lets telltale start before etcd answers: it is starting until the first answer, and then ok at once.
func TestStarting(t *testing.T) {
	t.Parallel()
	m := etcdserver.New(t)
	m.Start(t)
	for _, way := range []string{"http", "grpc"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			g := newGate(t, m.Client)
			// The interval is the time for which the first probe may wait.
			telltale := harness.Start(t, "--component", component+"="+watched(g.addr)[way], "--heartbeat", "30s")
			l := watch(t, telltale)
			starting := l.await(t, 0, "starting")
			if c, _ := starting.Component(component); c.LastOK != nil {
				t.Errorf("a component that is starting has a last success: %v", c)
			}
			g.set(true)
			l.await(t, 1, "ok")
		})
	}
}

// TestHang has etcd stop answering without closing anything. A probe that waits in vain has failed: it must not turn
// into silence, for which the reason would be another.
func TestHang(t *testing.T) {
	t.Parallel()
	m := etcdserver.New(t)
	m.Start(t)
	for _, way := range []string{"http", "grpc"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			g := newGate(t, m.Client)
			g.set(true)
			telltale := harness.Start(t, "--component", component+"="+watched(g.addr)[way], "--heartbeat", heartbeat)
			harness.Await(t, "the first success", func() error { return isReady(telltale) })
			l := watch(t, telltale)
			l.await(t, 0, "ok")
			g.set(false)
			degraded := l.await(t, 1, "degraded")
			if c, _ := degraded.Component(component); c.Reason != "failed" {
				t.Errorf("the reason is %q, want failed", c.Reason)
			}
			g.set(true)
			recovering := l.await(t, 2, "recovering")
			checkRecovery(t, way, recovering, l.await(t, 3, "ok"))
		})
	}
}

// TestNeverThere starts telltale beside an etcd that starts later: degraded, recovering for ten seconds, ok.
func TestNeverThere(t *testing.T) {
	t.Parallel()
	m := etcdserver.New(t)
	telltale := harness.Start(t, "--component", component+"="+watched(m.Client)["http"], "--heartbeat", heartbeat)
	l := watch(t, telltale)
	first := 0
	harness.Await(t, "a state", func() error {
		seen := l.stretches()
		if len(seen) == 0 {
			return fmt.Errorf("none yet")
		}
		if seen[0].State == "starting" { // only seen if the first probe takes its time
			first = 1
		}
		return nil
	})
	l.await(t, first, "degraded")
	m.Start(t)
	checkRecovery(t, "late", l.await(t, first+1, "recovering"), l.await(t, first+2, "ok"))
}
