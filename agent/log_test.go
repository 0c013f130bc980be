package agent

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/telltale-agent/telltale/exporters"
)

// blockingHandler holds every record until it is released.
type blockingHandler struct {
	slog.Handler
	release <-chan struct{}
}

func (h blockingHandler) Handle(ctx context.Context, r slog.Record) error {
	<-h.release
	return h.Handler.Handle(ctx, r)
}

func (h blockingHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return blockingHandler{h.Handler.WithAttrs(attrs), h.release}
}

// A log that nobody reads, such as a pipe that is full, stops neither the start
// nor an endpoint, and does not hold the process when it is told to stop.
func TestLogThatBlocks(t *testing.T) {
	var log bytes.Buffer
	release := make(chan struct{})
	logger := slog.New(blockingHandler{slog.NewTextHandler(&log, nil), release})
	var a *Agent
	within(t, "start", func() {
		var err error
		a, err = Start(t.Context(), Config{
			Debug: true, Components: []string{"auth"},
			ShutdownTimeout: time.Second,
			OTLP:            []exporters.Target{{URL: "http://127.0.0.1:1"}},
		}, quiet(WithLogger(logger))...)
		if err != nil {
			t.Error(err)
		}
	})
	a.Health().Component("auth").OK()
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/debug/pprof/cmdline"} {
		within(t, path, func() {
			if status, body := ask(a, http.MethodGet, path); status != 200 {
				t.Errorf("%s: got %d %s", path, status, body)
			}
		})
	}
	within(t, "shutdown", func() { _ = a.Shutdown(context.Background()) }) // the collector is not there

	close(release)
	for range 20 { // a busy machine needs its time
		a.plan.log.drain(t.Context())
	}
	want := []string{"telltale started", "profile requested", "push to collector fails", "telltale stopped"}
	var got []string
	for line := range strings.Lines(log.String()) {
		for _, message := range want {
			if strings.Contains(line, message) {
				got = append(got, message)
			}
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q in:\n%s", got, want, log.String())
	}
}

// within fails the test if f does not end.
func within(t *testing.T, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatalf("%s waits for the log", what)
	}
}

// lockedLog is a handler that takes down messages.
type lockedLog struct {
	slog.Handler
	mu       sync.Mutex
	messages []string
	before   func(message string)
}

func (l *lockedLog) Handle(_ context.Context, r slog.Record) error {
	l.before(r.Message)
	l.mu.Lock()
	defer l.mu.Unlock()
	text := r.Message
	r.Attrs(func(a slog.Attr) bool { text += " " + a.String(); return true })
	l.messages = append(l.messages, text)
	return nil
}

func newLockedLog(before func(string)) *lockedLog {
	return &lockedLog{Handler: slog.NewTextHandler(&bytes.Buffer{}, nil), before: before}
}

// While the log works, a record is written when the call that logs returns.
func TestLogIsInOrder(t *testing.T) {
	log := newLockedLog(func(string) {})
	logger := slog.New(newPatientHandler(log))
	for i := range 100 {
		logger.Info(fmt.Sprint(i))
		log.mu.Lock()
		last := log.messages[len(log.messages)-1]
		log.mu.Unlock()
		if last != fmt.Sprint(i) {
			t.Fatalf("got %s after logging %d", last, i)
		}
	}
}

// Only the first record waits for a handler that is stuck; those above the
// bound are counted, and the log goes on when the handler does.
func TestLogThatIsStuckAndRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		log := newLockedLog(func(string) { <-release })
		handler := newPatientHandler(log)
		logger := slog.New(handler)
		started := time.Now()
		for i := range logLimit + 1 + 7 { // one is being written
			logger.Info(fmt.Sprint(i))
		}
		if took := time.Since(started); took != logPatience {
			t.Errorf("took %v, want %v", took, logPatience)
		}
		handler.queue.drain(t.Context())
		if took := time.Since(started); took != logPatience+drainPatience {
			t.Errorf("took %v with the end, want %v", took, logPatience+drainPatience)
		}
		close(release)
		synctest.Wait()
		if got, want := len(log.messages), logLimit+2; got != want {
			t.Errorf("%d records, want %d", got, want)
		}
		if got, want := log.messages[len(log.messages)-1], "log records were lost: the log was too slow count=7"; got != want {
			t.Errorf("got %q last, want %q", got, want)
		}
		logger.Info("again")
		if got := log.messages[len(log.messages)-1]; got != "again" {
			t.Errorf("got %q last, want again", got)
		}
	})
}

// A handler that panics or ends its goroutine costs its own record.
func TestLogThatMisbehaves(t *testing.T) {
	log := newLockedLog(func(message string) {
		switch message {
		case "panic":
			panic(message)
		case "exit":
			runtime.Goexit()
		}
	})
	logger := slog.New(newPatientHandler(log)).With("a", 1).WithGroup("g")
	for _, message := range []string{"one", "panic", "two", "exit", "three"} {
		logger.Info(message)
	}
	if want := []string{"one", "two", "three"}; !slices.Equal(log.messages, want) {
		t.Errorf("got %q, want %q", log.messages, want)
	}
}

func (l *lockedLog) WithAttrs([]slog.Attr) slog.Handler { return l }
func (l *lockedLog) WithGroup(string) slog.Handler      { return l }
