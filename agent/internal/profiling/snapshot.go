package profiling

import (
	"bytes"
	"fmt"
	"net/http"
	"runtime"
	"runtime/pprof"
	"time"
)

// snapshot returns the handler of a profile that the runtime keeps all the time.
func (h *Handler) snapshot(name string) serveFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		query := r.URL.Query()
		f, err := parseForm(query)
		if err != nil {
			return err
		}
		if query.Has("seconds") {
			return h.serveDelta(w, r, name, f)
		}
		if f.debug == 0 {
			attach(w, name)
		} else {
			plainText(w)
		}
		if r.Method == http.MethodHead {
			return nil
		}
		release, err := h.enter()
		if err != nil {
			return err
		}
		defer release()
		data, err := h.take(name, f)
		if err != nil {
			return err
		}
		return sendAll(w, data)
	}
}

// take makes a snapshot in the wanted form.
func (h *Handler) take(name string, f form) ([]byte, error) {
	if name == "goroutine" && f.debug == 2 {
		return dump(h.maxDump), nil
	}
	if name == "heap" && f.gc {
		runtime.GC() // so that the profile shows what is live now
	}
	var data bytes.Buffer
	if err := pprof.Lookup(name).WriteTo(&data, f.debug); err != nil {
		return nil, &refusal{status: http.StatusInternalServerError, text: fmt.Sprintf("the %s profile could not be taken", name)}
	}
	return cut(data.Bytes(), h.limit(f)), nil
}

// limit bounds the forms that name each goroutine. The protocol buffer must not be cut.
func (h *Handler) limit(f form) int {
	if f.debug == 0 {
		return int(^uint(0) >> 1)
	}
	return h.maxDump
}

// enter bounds the number of snapshots in memory.
func (h *Handler) enter() (release func(), err error) {
	select {
	case h.snapshots <- struct{}{}:
		return func() { <-h.snapshots }, nil
	default:
		return nil, &refusal{
			status: http.StatusServiceUnavailable,
			text:   fmt.Sprintf("%d profiles are being taken or read; try again", maxSnapshots),
			retry:  time.Second,
		}
	}
}

// serveDelta answers with what changed in a profile within some seconds.
func (h *Handler) serveDelta(w http.ResponseWriter, r *http.Request, name string, f form) error {
	d, err := h.seconds(r.URL.Query(), 0)
	if err != nil {
		return err
	}
	if f.debug != 0 {
		return badRequest("seconds and debug do not go together; leave one of them out")
	}
	attach(w, name+"-delta")
	if r.Method == http.MethodHead {
		return nil
	}
	release, err := h.enter()
	if err != nil {
		return err
	}
	defer release()
	newSender(w).allow(d + stall)
	before, err := h.take(name, f)
	if err != nil {
		return err
	}
	start := time.Now()
	if !wait(r.Context(), d, nil) {
		return ended(r.Context())
	}
	after, err := h.take(name, f)
	if err != nil {
		return err
	}
	data, err := difference(before, after, time.Since(start))
	if err != nil {
		return &refusal{status: http.StatusInternalServerError, text: "the difference of the two profiles could not be made"}
	}
	return sendAll(w, data)
}
