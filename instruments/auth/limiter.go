package auth

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/telltale-agent/telltale/instruments"
)

// ErrThrottled is what callers get for whom nothing was generated, because too
// many requests were running. Trying again later is the thing to do.
var ErrThrottled = errors.New("too many keys and certificates are being generated, try again later")

// Limiter admits requests for keys and certificates up to a number at a time,
// and measures those it admits. It is safe for concurrent use and never waits.
type Limiter struct {
	limit   int64 // 0 or less: none
	running atomic.Int64

	throttled *instruments.CounterCell
	requests  *instruments.CounterCell
	inFlight  *instruments.GaugeCell
	seconds   *instruments.HistogramCell
}

// New returns a limiter that admits limit requests at a time, or any number if
// limit is 0 or less, and records in reg.
func New(reg *instruments.Registry, limit int) *Limiter {
	return &Limiter{
		limit:     int64(limit),
		throttled: instruments.AuthGenerateThrottled.In(reg),
		requests:  instruments.AuthGenerateRequests.In(reg),
		inFlight:  instruments.AuthGenerateInFlight.In(reg),
		seconds:   instruments.AuthGenerateSeconds.In(reg),
	}
}

// Do calls generate, or returns [ErrThrottled] at once without calling it. It
// returns what generate returns, hands on its panic, and passes ctx through; it
// is up to generate to heed it.
func (l *Limiter) Do(ctx context.Context, generate func(context.Context) error) error {
	if !l.admit() {
		l.throttled.Inc()
		return ErrThrottled
	}
	defer l.running.Add(-1)
	l.requests.Inc()
	l.inFlight.Inc()
	defer l.inFlight.Dec()
	start := time.Now()
	defer func() { l.seconds.RecordContext(ctx, time.Since(start).Seconds()) }()
	return generate(ctx)
}

// Generate is [Limiter.Do] for what has a result. A request that is throttled
// has the zero value of T.
func Generate[T any](ctx context.Context, l *Limiter, generate func(context.Context) (T, error)) (result T, err error) {
	err = l.Do(ctx, func(ctx context.Context) (err error) {
		result, err = generate(ctx)
		return err
	})
	return result, err
}

// admit is not an add with a look at the sum: the request that is being refused
// must not take the place of another.
func (l *Limiter) admit() bool {
	for {
		n := l.running.Load()
		if l.limit > 0 && n >= l.limit {
			return false
		}
		if l.running.CompareAndSwap(n, n+1) {
			return true
		}
	}
}
