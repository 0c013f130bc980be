package profiling

import (
	"bytes"
	"context"
	"net/http"
	"runtime/pprof"
	"runtime/trace"
	"time"
)

// serveCPU records what runs on the CPUs. The profile is kept until it is complete, so
// that a slow client cannot hold up the end of the recording; it is small, since equal
// stacks are counted together.
func (h *Handler) serveCPU(w http.ResponseWriter, r *http.Request) error {
	d, err := h.seconds(r.URL.Query(), 30*time.Second)
	if err != nil {
		return err
	}
	attach(w, "profile")
	if r.Method == http.MethodHead {
		return nil
	}
	newSender(w).allow(d + stall)
	data, err := h.recordCPU(r.Context(), d)
	if err != nil {
		return err
	}
	return sendAll(w, data)
}

func (h *Handler) recordCPU(ctx context.Context, d time.Duration) ([]byte, error) {
	release, err := h.recording.take("CPU profile", d)
	if err != nil {
		return nil, err
	}
	defer release()
	var data bytes.Buffer
	if err := pprof.StartCPUProfile(&data); err != nil {
		return nil, foreign("CPU profile")
	}
	complete := wait(ctx, d, nil)
	pprof.StopCPUProfile()
	if !complete {
		return nil, ended(ctx)
	}
	return data.Bytes(), nil
}

// serveTrace records an execution trace. It is passed on while it is recorded, since it
// can be large; a client that stops reading ends it.
func (h *Handler) serveTrace(w http.ResponseWriter, r *http.Request) error {
	d, err := h.seconds(r.URL.Query(), time.Second)
	if err != nil {
		return err
	}
	attach(w, "trace")
	if r.Method == http.MethodHead {
		return nil
	}
	release, err := h.recording.take("trace", d)
	if err != nil {
		return err
	}
	defer release()
	out := &stream{sender: newSender(w), failed: make(chan struct{})}
	out.allow(d + stall)
	if err := trace.Start(out); err != nil {
		return foreign("trace")
	}
	complete := wait(r.Context(), d, out.failed)
	trace.Stop() // returns when the last byte is written or refused
	if !complete && out.err == nil {
		return context.Cause(r.Context()) // what was sent is a valid, shorter trace
	}
	return out.err
}

// wait returns true after d, and false if before that ctx ends or failed is closed.
func wait(ctx context.Context, d time.Duration, failed <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
	case <-failed:
	}
	return false
}

// stream passes a trace on and notes the first failure. The runtime goes on calling
// Write after one. Only one goroutine writes, and it has ended when trace.Stop returns.
type stream struct {
	sender
	failed chan struct{} // closed at the first failure
	err    error
}

func (s *stream) Write(data []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.sender.Write(data)
	if err != nil {
		s.err = err
		close(s.failed)
	}
	return n, err
}
