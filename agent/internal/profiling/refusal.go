package profiling

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"
)

// refusal is an answer other than 200.
type refusal struct {
	status int
	text   string        // one line
	retry  time.Duration // Retry-After, rounded up to seconds; zero: none
	allow  string        // Allow; empty: none
}

func (e *refusal) Error() string { return e.text }

func (e *refusal) write(w http.ResponseWriter) {
	header := w.Header()
	header.Del("Content-Disposition")
	header.Del("Content-Length")
	header.Set("Content-Type", "text/plain; charset=utf-8")
	header.Set("X-Go-Pprof", "1") // go tool pprof shows the text of such an answer
	if e.retry > 0 {
		header.Set("Retry-After", strconv.Itoa(int(math.Ceil(e.retry.Seconds()))))
	}
	if e.allow != "" {
		header.Set("Allow", e.allow)
	}
	if e.status == StatusClientGone {
		return // nobody is there to read it
	}
	w.WriteHeader(e.status)
	_, _ = w.Write([]byte(e.text + "\n")) // there is no second way to tell the client
}

func badRequest(text string) *refusal {
	return &refusal{status: http.StatusBadRequest, text: text}
}

// ended is the refusal of a request whose context is done. A server that stops says so
// by a cause of its own, and its client is still there.
func ended(ctx context.Context) *refusal {
	if errors.Is(context.Cause(ctx), context.Canceled) {
		return &refusal{status: StatusClientGone, text: "the client went away"}
	}
	return &refusal{status: http.StatusServiceUnavailable, text: "the profile was given up, because the server is stopping or the time for the request is over"}
}
