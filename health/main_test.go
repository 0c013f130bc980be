package health

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// quiet is a logger that writes nothing.
func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// newTracker makes a quiet tracker that is closed when the test ends. In a
// bubble, close it there instead.
func newTracker(t testing.TB, opts ...Option) *Tracker {
	t.Helper()
	tr := New(append([]Option{WithLogger(quiet())}, opts...)...)
	t.Cleanup(tr.Close)
	return tr
}

// inBubble runs f in virtual time with a tracker.
func inBubble(t *testing.T, f func(t *testing.T, tr *Tracker), opts ...Option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		tr := New(append([]Option{WithLogger(quiet())}, opts...)...)
		defer tr.Close()
		f(t, tr)
	})
}

func declare(t testing.TB, tr *Tracker, name string, opts ...ComponentOption) *Component {
	t.Helper()
	c, err := tr.Declare(name, opts...)
	if err != nil {
		t.Fatalf("Declare(%q): %v", name, err)
	}
	return c
}

func wantState(t testing.TB, what interface{ State() State }, want State) {
	t.Helper()
	if got := what.State(); got != want {
		t.Fatalf("%T: got %s, want %s", what, got, want)
	}
}

func wantReason(t testing.TB, c *Component, want Reason) {
	t.Helper()
	s, _ := c.tracker.Snapshot().Component(c.Name())
	if s.Reason != want {
		t.Fatalf("reason of %s: got %q, want %q", c.Name(), s.Reason, want)
	}
}

// recorder is a log handler that remembers.
type recorder struct {
	mu      sync.Mutex
	records []slog.Record
}

func (r *recorder) Enabled(context.Context, slog.Level) bool { return true }
func (r *recorder) WithAttrs([]slog.Attr) slog.Handler       { return r }
func (r *recorder) WithGroup(string) slog.Handler            { return r }

func (r *recorder) Handle(_ context.Context, rec slog.Record) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.records = append(r.records, rec)
	return nil
}

// all returns what came so far.
func (r *recorder) all() []slog.Record {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]slog.Record(nil), r.records...)
}

// textLogger writes lines without times, which differ from run to run.
func textLogger(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	}))
}

// silence is how long component c may say nothing.
func silence(c *Component) time.Duration { return MissedAfter * c.Interval() }
