package exporters

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/telltale-agent/telltale/instruments"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

const (
	firstBackoff = time.Second      // before the second attempt of a cycle
	maxBackoff   = 10 * time.Second // between any two
	// maxThrottle bounds how long a collector can silence the push.
	maxThrottle = 5 * time.Minute
)

// exportResult is what came of one export, retries included.
type exportResult struct {
	err      error                         // nil if the collector took it; one line without secrets
	reason   instruments.PushFailureReason // if err is set
	lost     bool                          // no answer to the last attempt: the connection broke
	rejected int64                         // points that the collector did not take of an export that it took
	warning  string                        // what it said about them
}

// sender exports collections over a wire that it replaces when something is
// wrong with it. It is used by one goroutine.
type sender struct {
	dial     dialer
	wire     *wire // nil after trouble: the next attempt dials anew
	proven   bool  // the wire has carried an export
	secrets  redactor
	interval time.Duration // between cycles
	backoff  time.Duration // before the second attempt of a cycle

	throttledUntil time.Time
	trouble        trouble
}

// throttledFor is how long the collector still wants to be left alone.
func (s *sender) throttledFor(now time.Time) time.Duration { return s.throttledUntil.Sub(now) }

func (s *sender) close() {
	if s.wire != nil {
		s.wire.close()
	}
	s.wire, s.proven = nil, false
}

// send exports rm in as many requests as its size asks for, until all of it is
// taken or a part of it is not: then the next cycle states the rest again, but
// for deltas, which are lost with their cycle as they are without parts.
func (s *sender) send(ctx context.Context, rm *metricdata.ResourceMetrics, o cycleOptions) exportResult {
	// Retries end before the next cycle is due. An answer that takes longer
	// may still come, within the timeout.
	retryUntil := time.Now().Add(s.interval)
	var all exportResult
	for _, part := range parts(rm, maxPoints) {
		r := s.sendPart(ctx, part, retryUntil, o)
		if r.err != nil {
			return r
		}
		all.rejected += r.rejected
		all.warning = or(all.warning, r.warning)
	}
	return all
}

// sendPart exports rm until it is taken, refused for good, or ctx leaves no room
// for another attempt. Attempts repeat the same values, so that one which the
// collector took although no answer arrived does no harm: totals are stated,
// not added. With deltas the specification accepts that they may be counted
// twice rather than lost.
func (s *sender) sendPart(ctx context.Context, rm *metricdata.ResourceMetrics, retryUntil time.Time, o cycleOptions) exportResult {
	backoff := s.backoff
	for {
		used := s.proven
		result, wish := s.attempt(ctx, rm)
		if result.err == nil || ctx.Err() != nil {
			return result
		}
		if used && result.lost {
			// A connection kept since the last cycle turned out to be gone.
			// That says nothing about the collector.
			continue
		}
		wait := max(wish, jittered(backoff))
		switch {
		case wish > 0 && retryable(result.reason) && !fits(ctx, retryUntil, wait):
			s.throttledUntil = time.Now().Add(min(wish, maxThrottle))
			return result
		case o.final || !retryable(result.reason) || !fits(ctx, retryUntil, wait):
			return result
		}
		if !sleep(ctx, wait) {
			return result
		}
		backoff = min(2*backoff, maxBackoff)
	}
}

// fits reports whether there is time for an attempt after waiting.
func fits(ctx context.Context, until time.Time, wait time.Duration) bool {
	if deadline, ok := ctx.Deadline(); ok && deadline.Before(until) {
		until = deadline
	}
	return time.Now().Add(wait).Before(until)
}

// jittered keeps agents that failed together from coming back together.
func jittered(d time.Duration) time.Duration {
	return d - d/5 + rand.N(2*d/5)
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// attempt tries once. It also returns how long the collector asked to wait.
func (s *sender) attempt(ctx context.Context, rm *metricdata.ResourceMetrics) (exportResult, time.Duration) {
	if s.wire == nil {
		fresh, err := s.dial()
		if err != nil {
			return exportResult{reason: instruments.PushOther, err: errors.New(s.secrets.text(err.Error()))}, 0
		}
		s.wire = fresh
	}
	var a answer
	err := recovered("exporter", func() error { return s.wire.export(withAnswer(ctx, &a), rm) })
	if a.taken() && !isPanic(err) {
		// What the exporter has to say is then at most a partial success.
		s.proven = true
		s.throttledUntil = time.Time{}
		return exportResult{rejected: a.rejected, warning: s.secrets.text(a.warning)}, 0
	}
	if err == nil {
		err = errors.New("the exporter sent nothing")
	}
	reason := reasonOf(&a, err)
	if reason != instruments.PushThrottled && reason != instruments.PushRejected {
		// After silence or a broken connection a new one finds the collector
		// where it is now, and no waiting time of a library stands in the way.
		s.close()
	}
	return exportResult{
		reason: reason,
		err:    errors.New(s.secrets.text(a.explain(err))),
		lost:   reason == instruments.PushUnavailable && a.httpStatus == 0 && a.retryAfter == 0,
	}, a.retryAfter
}
