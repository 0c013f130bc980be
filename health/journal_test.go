package health

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

// handlerFunc is a log handler made of what it does with a record.
type handlerFunc func(slog.Record) error

func (handlerFunc) Enabled(context.Context, slog.Level) bool        { return true }
func (f handlerFunc) WithAttrs([]slog.Attr) slog.Handler            { return f }
func (f handlerFunc) WithGroup(string) slog.Handler                 { return f }
func (f handlerFunc) Handle(_ context.Context, r slog.Record) error { return f(r) }
func loggerFunc(f handlerFunc) *slog.Logger                         { return slog.New(f) }

func TestHungLogHandlerHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		tr := New(WithLogger(loggerFunc(func(slog.Record) error { <-hang; return nil })))
		c := declare(t, tr, "auth")
		for range 1000 {
			c.Fail(errors.New("x"))
			c.OK()
		}
		wantState(t, tr, StateRecovering)
		if w := do(mounted(tr), "GET", "/readyz"); w.Code != 400 {
			t.Errorf("got %d", w.Code)
		}
		if n := len(tr.History()); n != HistoryLimit {
			t.Errorf("got %d entries", n)
		}
		begun := time.Now()
		tr.Close()
		if took := time.Since(begun); took != drainTime {
			t.Errorf("Close took %s, want %s", took, drainTime)
		}
		close(hang) // else the bubble could not end
	})
}

func TestCloseWritesWhatIsPending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lines := 0
		tr := New(WithLogger(loggerFunc(func(slog.Record) error {
			time.Sleep(time.Millisecond)
			lines++
			return nil
		})))
		c := declare(t, tr, "auth")
		for range 100 {
			c.Fail(errors.New("x"))
			c.OK()
		}
		tr.Close()
		if lines != 401 { // and the process, which ends degraded
			t.Errorf("got %d lines, want 401", lines)
		}
	})
}

func TestLinesCarryTheTimeOfTheChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var times []time.Time
		tr := New(WithLogger(loggerFunc(func(r slog.Record) error {
			times = append(times, r.Time)
			time.Sleep(100 * time.Millisecond)
			return nil
		})))
		declare(t, tr, "auth").OK()
		h := tr.History()
		tr.Close()
		if len(times) != 3 || !times[1].Equal(h[1].At) {
			t.Errorf("got %v, want %v", times, h[1].At)
		}
	})
}

func TestBadLogHandlersCostTheirOwnLineOnly(t *testing.T) {
	for name, fault := range map[string]func(){
		"panic":  func() { panic("handler") },
		"goexit": runtime.Goexit,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var (
					lines []string
					c     *Component
				)
				tr := New(WithLogger(loggerFunc(func(r slog.Record) error {
					lines = append(lines, r.Message)
					if len(lines) == 1 {
						c.Fail(errors.New("x"))
						fault()
					}
					return nil
				})))
				c = declare(t, tr, "auth")
				c.OK()
				synctest.Wait()
				// Of the first two, the second may go with its goroutine.
				if n := len(lines); n < 3 || lines[n-1] != "process state changed" {
					t.Errorf("got %q", lines)
				}
				tr.Close()
			})
		})
	}
}

// A handler may ask the tracker, which holds no lock then.
func TestLogHandlerMayRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tr *Tracker
		seen := 0
		tr = New(WithLogger(loggerFunc(func(slog.Record) error {
			seen += len(tr.Snapshot().Components)
			tr.Component("log").OK()
			return nil
		})))
		declare(t, tr, "auth").OK()
		tr.Close()
		if seen == 0 {
			t.Error("nothing was logged")
		}
	})
}

func TestLostLinesAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		var last slog.Record
		lines := 0
		j := &journal{logger: loggerFunc(func(r slog.Record) error {
			<-hang
			last = r
			lines++
			return nil
		})}
		for range 10 {
			j.add(line{message: "first"})
		}
		synctest.Wait() // the first batch hangs
		for i := range journalLimit + 7 {
			j.add(line{message: fmt.Sprint(i)})
		}
		close(hang)
		j.drain(time.Minute)
		if lines < journalLimit || last.Message != "health changes not logged" {
			t.Errorf("got %d lines, last %q", lines, last.Message)
		}
		last.Attrs(func(a slog.Attr) bool {
			if a.Key != "count" || a.Value.Int64() != 7 {
				t.Errorf("got %s", a)
			}
			return true
		})
	})
}

func TestNothingRunsAtRest(t *testing.T) {
	tr := newTracker(t)
	for i := range 100 {
		declare(t, tr, fmt.Sprint("c", i)).OK()
	}
	tr.journal.drain(time.Minute)
	tr.journal.mu.Lock()
	defer tr.journal.mu.Unlock()
	if tr.journal.idle != nil {
		t.Error("the goroutine is still there")
	}
}
