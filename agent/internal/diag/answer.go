package diag

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// answerSafely is the outermost layer: it sets the headers that every answer has, bounds
// the time that a client may take, and turns a panic into an answer.
func answerSafely(o Options, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rolling := newRollingWriter(w, o)
		header := w.Header()
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Cache-Control", "no-store")
		defer rolling.roll() // the server sends the rest after the handler
		defer func() {
			if v := recover(); v != nil {
				afterPanic(o, rolling, r, v)
			}
		}()
		next.ServeHTTP(rolling, r)
	})
}

func afterPanic(o Options, w *rollingWriter, r *http.Request, v any) {
	if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(http.ErrAbortHandler) // asked for: the server drops the connection
	}
	o.Logger.Error("diagnostics handler panicked", "err", fmt.Sprint(v), "at", panicPlace(), "path", r.URL.Path)
	if w.wrote {
		panic(http.ErrAbortHandler) // what was sent must not look complete
	}
	clear(w.Header())
	writeError(w, http.StatusInternalServerError, "internal error; the log of the process says more")
}

// panicPlace names the line that panicked, which is the first one below the runtime.
func panicPlace() string {
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs)])
	panicking := false
	for {
		frame, more := frames.Next()
		inRuntime := strings.HasPrefix(frame.Function, "runtime.")
		if panicking && !inRuntime {
			return fmt.Sprintf("%s:%d", frame.Function, frame.Line)
		}
		panicking = panicking || inRuntime
		if !more {
			return "unknown"
		}
	}
}

// writeError answers with one line of JSON.
func writeError(w http.ResponseWriter, status int, text string) {
	body, err := json.Marshal(struct {
		Error string `json:"error"`
	}{text})
	if err != nil {
		body = []byte(`{"error":"internal error"}`)
	}
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that went away needs no answer
}

// rollingWriter moves the write deadline as the client takes what is written.
type rollingWriter struct {
	http.ResponseWriter
	control *http.ResponseController
	stall   time.Duration
	end     time.Time
	wrote   bool
}

// rollingChunk is what a client has to take before the deadline moves.
const rollingChunk = 64 << 10

func newRollingWriter(w http.ResponseWriter, o Options) *rollingWriter {
	return &rollingWriter{
		ResponseWriter: w,
		control:        http.NewResponseController(w),
		stall:          o.StallTime,
		end:            time.Now().Add(o.RequestTime),
	}
}

func (w *rollingWriter) roll() {
	deadline := time.Now().Add(w.stall)
	if deadline.After(w.end) {
		deadline = w.end
	}
	_ = w.control.SetWriteDeadline(deadline) // a writer without deadlines cannot stall
}

// WriteHeader implements http.ResponseWriter.
func (w *rollingWriter) WriteHeader(status int) {
	w.wrote = w.wrote || status >= 200
	w.ResponseWriter.WriteHeader(status)
}

// Write implements io.Writer.
func (w *rollingWriter) Write(data []byte) (written int, err error) {
	w.wrote = true
	for {
		w.roll()
		n, err := w.ResponseWriter.Write(data[:min(rollingChunk, len(data))])
		written += n
		data = data[n:]
		if err != nil || len(data) == 0 {
			return written, err
		}
	}
}

// FlushError sends what was written so far; http.ResponseController calls it.
func (w *rollingWriter) FlushError() error {
	w.wrote = true
	w.roll()
	return w.control.Flush()
}

// Flush implements http.Flusher.
func (w *rollingWriter) Flush() { _ = w.FlushError() }

// Unwrap lets http.ResponseController reach the connection.
func (w *rollingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
