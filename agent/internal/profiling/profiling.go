// Package profiling serves the profiles of the Go runtime below /debug/pprof/, in the
// forms that `go tool pprof` and `go tool trace` read.
//
// It does the work of net/http/pprof without importing it, because that package adds
// handlers to http.DefaultServeMux of whoever links it. Beyond that it is built for
// processes that are in service:
//
//   - One CPU profile or execution trace at a time. Whoever comes second gets 409 with
//     Retry-After, also when other code of the process is profiling.
//   - A profile lasts no longer than a cap; more is refused, not shortened.
//   - A profile ends at once when its reader goes away or the server stops.
//   - Dumps of all goroutines are bounded in size.
//   - The command line is shown with the values of its arguments masked.
//   - The rates of the block and mutex profiles belong to the host and are not touched.
//   - Every request is told to an audit hook.
//
// Use:
//
//	mux.Handle(profiling.Path, profiling.New(profiling.Options{Audit: log}))
package profiling

import (
	"errors"
	"net/http"
	"os"
	"strings"
	"time"
)

// Path is where the handler expects to be mounted, with everything below it.
const Path = "/debug/pprof/"

// StatusClientGone is the status in an Event of a request whose client did not wait
// for the answer. It is never sent.
const StatusClientGone = 499

// Options change what New returns. The zero value is usable.
type Options struct {
	// MaxSeconds is the longest profile that may be asked for. Zero means 120.
	MaxSeconds int

	// MaxDump bounds the dump of all goroutines (goroutine?debug=2), in bytes. Zero
	// means 16 MiB.
	MaxDump int

	// Args is the command line to show, with its values masked. Nil means os.Args.
	Args []string

	// Audit is called once at the end of each request, on its goroutine. Nil means
	// that nobody is told.
	Audit func(Event)
}

// Event says how a request ended.
type Event struct {
	Profile string        // name of the profile, "index" or "unknown"
	Status  int           // HTTP status, or StatusClientGone
	Took    time.Duration // from the first look at the request to its end
	Remote  string        // address of the client
}

// Handler serves all paths below Path. It may be used concurrently; each handler lets
// one CPU profile or trace run at a time.
type Handler struct {
	maxSeconds int
	maxDump    int
	args       []string
	audit      func(Event)
	profiles   []profile
	recording  slot
	snapshots  chan struct{} // one element for each snapshot that is being made or read
}

// maxSnapshots bounds how many snapshots exist at a time, since each is held in memory
// until its reader has it.
const maxSnapshots = 8

// New returns a handler. It registers nothing anywhere.
func New(o Options) *Handler {
	if o.MaxSeconds <= 0 {
		o.MaxSeconds = 120
	}
	if o.MaxDump <= 0 {
		o.MaxDump = 16 << 20
	}
	if o.Args == nil {
		o.Args = os.Args
	}
	h := &Handler{
		maxSeconds: o.MaxSeconds,
		maxDump:    o.MaxDump,
		args:       o.Args,
		audit:      o.Audit,
		snapshots:  make(chan struct{}, maxSnapshots),
	}
	h.profiles = h.catalogue()
	return h
}

// ServeHTTP answers one request. Errors are one line of plain text, marked the way that
// lets go tool pprof show them.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	name, err := h.serve(w, r)
	status := http.StatusOK
	var no *refusal
	switch {
	case errors.As(err, &no):
		status = no.status
		no.write(w)
	case err != nil: // writing to the client failed
		status = StatusClientGone
	}
	if h.audit != nil {
		h.audit(Event{Profile: name, Status: status, Took: time.Since(start), Remote: r.RemoteAddr})
	}
}

func (h *Handler) serve(w http.ResponseWriter, r *http.Request) (name string, err error) {
	header := w.Header()
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-store")
	rest, found := strings.CutPrefix(r.URL.Path, Path)
	if !found {
		return "unknown", &refusal{status: http.StatusNotFound, text: "no profile has this path; see " + Path}
	}
	if rest == "" {
		return "index", h.guard(w, r, false, h.serveIndex)
	}
	for _, p := range h.profiles {
		if p.name == rest {
			return p.name, h.guard(w, r, p.post, p.serve)
		}
	}
	return "unknown", &refusal{status: http.StatusNotFound, text: "no profile has this name; see " + Path}
}

// guard lets only the methods through that a path has.
func (h *Handler) guard(w http.ResponseWriter, r *http.Request, post bool, serve serveFunc) error {
	switch {
	case r.Method == http.MethodGet, r.Method == http.MethodHead, post && r.Method == http.MethodPost:
		return serve(w, r)
	case post:
		return &refusal{status: http.StatusMethodNotAllowed, text: "use GET, HEAD or POST", allow: "GET, HEAD, POST"}
	}
	return &refusal{status: http.StatusMethodNotAllowed, text: "use GET or HEAD", allow: "GET, HEAD"}
}

// serveFunc answers a request whose method is right. For HEAD it checks the request and
// sets the header without doing the work. The error is a *refusal, with nothing
// written before, or says that the client cannot be written to.
type serveFunc func(http.ResponseWriter, *http.Request) error
