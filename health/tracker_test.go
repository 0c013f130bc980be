package health

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestDeclareRefuses(t *testing.T) {
	for _, tc := range []struct {
		name      string
		component string
		opts      []ComponentOption
		want      string
	}{
		{"empty", "", nil, `declare component "": the name is empty`},
		{"taken", "auth", nil, `declare component "auth": already declared; give each component a name of its own`},
		{"slash", "a/b", nil, `declare component "a/b": the name must not contain '/'`},
		{"newline", "a\nb", nil, `declare component "a\nb": the name must not contain '\n'`},
		{"line separator", "a\u2028b", nil, `declare component "a\u2028b": the name must not contain '\u2028'`},
		{"invalid UTF-8", "a\xff", nil, `declare component "a\xff": the name is not valid UTF-8`},
		{"dot", ".", nil, `declare component ".": the name means a directory in a URL`},
		{"dots", "..", nil, `declare component "..": the name means a directory in a URL`},
		{"space", "auth ", nil, `declare component "auth ": the name begins or ends with a space`},
		{"long", strings.Repeat("x", 129), nil,
			`declare component "` + strings.Repeat("x", 128) + `"…: the name has 129 bytes, allowed are 128`},
		{"no interval", "proxy", []ComponentOption{Interval(0)}, `declare component "proxy": interval 0s: allowed are 1ms to 8760h`},
		{"negative interval", "proxy", []ComponentOption{Interval(-time.Second)}, `declare component "proxy": interval -1s: allowed are 1ms to 8760h`},
		{"endless interval", "proxy", []ComponentOption{Interval(1 << 62)}, `declare component "proxy": interval 1281023h53m38.427387904s: allowed are 1ms to 8760h`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tr := newTracker(t)
			declare(t, tr, "auth")
			c, err := tr.Declare(tc.component, tc.opts...)
			if c != nil || err == nil || err.Error() != tc.want {
				t.Errorf("got %v, %v, want %s", c, err, tc.want)
			}
			if got := errors.Is(err, ErrDuplicate); got != (tc.name == "taken") {
				t.Errorf("got duplicate %t", got)
			}
			if n := len(tr.Snapshot().Components); n != 1 {
				t.Errorf("got %d components, want 1", n)
			}
		})
	}
}

func TestDeclareAccepts(t *testing.T) {
	tr := newTracker(t)
	for _, name := range []string{"auth", "a b", "böse", "a%2Fb", `"q"`, "a&b=c", "日本", strings.Repeat("x", 128)} {
		c := declare(t, tr, name, nil)
		if c.Name() != name || c.Interval() != DefaultInterval {
			t.Errorf("got %q every %s", c.Name(), c.Interval())
		}
	}
}

func TestComponentFindsOrDeclares(t *testing.T) {
	tr := newTracker(t, WithInterval(time.Minute))
	declared := declare(t, tr, "auth")
	if got := tr.Component("auth"); got != declared {
		t.Error("got another component than the one declared")
	}
	proxy := tr.Component("proxy")
	if tr.Component("proxy") != proxy || proxy.Interval() != time.Minute {
		t.Errorf("got an interval of %s, want the tracker's", proxy.Interval())
	}
	if tr.Component("node", Interval(time.Second)).Interval() != time.Second {
		t.Error("the option was ignored")
	}
	if n := len(tr.Snapshot().Components); n != 3 {
		t.Errorf("got %d components, want 3", n)
	}
}

func TestWithIntervalOutOfRangeIsTheDefault(t *testing.T) {
	tr := newTracker(t, WithInterval(-1), nil)
	if got := tr.Component("auth").Interval(); got != DefaultInterval {
		t.Errorf("got %s", got)
	}
}

func TestComponentNeverReturnsNil(t *testing.T) {
	var log bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		tr := New(WithLogger(textLogger(&log)))
		defer tr.Close()
		c := tr.Component("a/b")
		c.OK()
		c.Fail(errors.New("x"))
		c.Skip()
		wantState(t, c, StateStarting)
		if err := c.Run(t.Context(), nil); err == nil || err.Error() != `run: declare component "a/b": the name must not contain '/'` {
			t.Errorf("Run: got %v", err)
		}
		known := declare(t, tr, "auth")
		if tr.Component("auth", Interval(0)) != known || known.Interval() != DefaultInterval {
			t.Error("a wrong option changed the component")
		}
	})
	want := `level=ERROR msg="component refused" component=a/b err="declare component \"a/b\": the name must not contain '/'"
level=ERROR msg="component refused" component=auth err="change component \"auth\": interval 0s: allowed are 1ms to 8760h"
level=INFO msg="process state changed" from=starting to=degraded reason="shutting down"
`
	if log.String() != want {
		t.Errorf("got log\n%swant\n%s", &log, want)
	}
}

func TestNilComponentRecordsNothing(t *testing.T) {
	var c *Component
	c.OK()
	c.Fail(errors.New("x"))
	c.Skip()
	wantState(t, c, StateStarting)
	if c.Name() != "" || c.Interval() != DefaultInterval {
		t.Errorf("got %q, %s", c.Name(), c.Interval())
	}
	if err := c.Run(t.Context(), nil); err == nil {
		t.Error("Run: got no error")
	}
}

func TestStoppingDegrades(t *testing.T) {
	inBubble(t, func(t *testing.T, tr *Tracker) {
		c := declare(t, tr, "auth")
		c.OK()
		time.Sleep(time.Second)
		tr.Stopping()
		tr.Stopping()
		c.OK()
		wantState(t, c, StateOK)
		wantState(t, tr, StateDegraded)
		s := tr.Snapshot()
		if !s.Stopping || s.State != StateDegraded || s.Since != s.At || s.Status() != "degraded: shutting down" {
			t.Errorf("got %+v", s)
		}
		c.Fail(errors.New("x"))
		if got, want := tr.Snapshot().Status(), "degraded: shutting down, auth (failed)"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		h := tr.History()
		if got := h[2]; got.Component != "" || got.To != StateDegraded || got.Reason != ReasonShuttingDown {
			t.Errorf("got %+v", got)
		}
	})
}

func TestCloseEndsEverything(t *testing.T) {
	inBubble(t, func(t *testing.T, tr *Tracker) {
		c := declare(t, tr, "auth")
		c.OK()
		tr.Close()
		before := tr.Snapshot()
		time.Sleep(time.Hour)
		c.OK()
		c.Skip()
		c.Fail(errors.New("late"))
		tr.Stopping()
		tr.Component("auth", Interval(time.Second))
		wantState(t, c, StateOK)
		wantState(t, tr, StateDegraded)
		after := tr.Snapshot()
		if got := after.Components[0]; got != before.Components[0] {
			t.Errorf("got %+v, want %+v", got, before.Components[0])
		}
		if _, err := tr.Declare("proxy"); !errors.Is(err, ErrClosed) || err.Error() != `declare component "proxy": health tracker closed` {
			t.Errorf("Declare: got %v", err)
		}
		if p := tr.Component("proxy"); p == nil || p.State() != StateStarting {
			t.Errorf("got %v", p)
		}
		if got := len(tr.History()); got != 3 {
			t.Errorf("got %d changes, want 3", got)
		}
	})
}

func TestCloseWhileEverythingHappens(t *testing.T) {
	tr := newTracker(t, WithInterval(time.Millisecond))
	var wg sync.WaitGroup
	for _, name := range []string{"a", "b", "a", "c"} {
		wg.Go(func() {
			for range 500 {
				c := tr.Component(name)
				c.OK()
				c.Fail(errUnspecified)
				tr.Snapshot()
			}
		})
		wg.Go(tr.Close)
		wg.Go(tr.Stopping)
	}
	wg.Wait()
	wantState(t, tr, StateDegraded)
}

func TestDeclaringMakesTheProcessStart(t *testing.T) {
	inBubble(t, func(t *testing.T, tr *Tracker) {
		wantState(t, tr, StateStarting)
		declare(t, tr, "auth").OK()
		wantState(t, tr, StateOK)
		declare(t, tr, "proxy")
		wantState(t, tr, StateStarting)
		h := tr.History()
		if got := h[len(h)-1]; got.From != StateOK || got.To != StateStarting || got.Reason != ReasonNeverReported {
			t.Errorf("got %+v", got)
		}
	})
}
