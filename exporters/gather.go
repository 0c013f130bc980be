package exporters

import (
	"context"
	"errors"
	"sync"
	"time"

	dto "github.com/prometheus/client_model/go"
)

var (
	errStopped  = errors.New("metrics are no longer served: the agent has stopped")
	errEmpty    = errors.New("metrics are not served: no meter provider collects them")
	errNotYet   = errors.New("metrics are not served yet: the agent is starting")
	errCollect  = errors.New("metrics could not be collected")
	errTooLate  = errors.New("metrics could not be collected in time")
	errTooMany  = errors.New("too many scrapes at once: try again later")
	errNoMethod = errors.New("method not allowed: use GET or HEAD")
)

// minCollection is what a collection gets at least, however little time the
// most impatient of its scrapes has left: one scraper in a hurry must not cost
// the others fresh values.
const minCollection = 100 * time.Millisecond

// gatherer shares collections among scrapes. A scrape is only ever served from
// a collection that began after it arrived, so that it shows all that happened
// before it. One collection runs at a time; the scrapes that arrive meanwhile
// wait for the next one and share it. A collection that hangs therefore costs
// one goroutine, and each scrape its own time.
type gatherer struct {
	collect func(deadline time.Time) ([]*dto.MetricFamily, error)

	stopping chan struct{} // closed by stop

	mu      sync.Mutex // guards the fields below
	stopped bool
	running *gathering
	pending *gathering
	idle    chan struct{} // closed when the goroutine that collects has ended
}

// gathering is one collection and the scrapes that wait for it. families and
// err are written before done is closed, and never again.
type gathering struct {
	waiting map[*waiter]struct{}
	done    chan struct{}

	families []*dto.MetricFamily
	err      error
}

// waiter is one scrape.
type waiter struct{ deadline time.Time }

func newGatherer(collect func(time.Time) ([]*dto.MetricFamily, error)) *gatherer {
	idle := make(chan struct{})
	close(idle)
	return &gatherer{collect: collect, stopping: make(chan struct{}), idle: idle}
}

// gather returns the families of a collection that begins after the call, and
// whether the call joined another one that waited. It ends by the context, which
// must have a deadline. The caller must not change what the families point to.
func (g *gatherer) gather(ctx context.Context) (families []*dto.MetricFamily, joined bool, err error) {
	deadline, _ := ctx.Deadline()
	w := &waiter{deadline: deadline}
	c, joined, err := g.join(w)
	if err != nil {
		return nil, false, err
	}
	select {
	case <-c.done:
		families, err = c.families, c.err
	case <-ctx.Done():
		err = errTooLate
	case <-g.stopping:
	}
	if g.leave(c, w) {
		return nil, joined, errStopped
	}
	return families, joined, err
}

// join adds w to the next collection to begin, which begins at once if none is
// running.
func (g *gatherer) join(w *waiter) (c *gathering, joined bool, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stopped {
		return nil, false, errStopped
	}
	if g.running == nil {
		g.running = newGathering(w)
		g.idle = make(chan struct{})
		go g.run(g.running, w.deadline)
		return g.running, false, nil
	}
	if g.pending == nil {
		g.pending = newGathering(w)
		return g.pending, false, nil
	}
	g.pending.waiting[w] = struct{}{}
	return g.pending, true, nil
}

func newGathering(first *waiter) *gathering {
	return &gathering{waiting: map[*waiter]struct{}{first: {}}, done: make(chan struct{})}
}

// leave takes w out of c, which is given up when nobody waits for it any more
// and it has not begun. It reports whether the gatherer was stopped meanwhile:
// what was collected then may be incomplete.
func (g *gatherer) leave(c *gathering, w *waiter) (stopped bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(c.waiting, w)
	if g.pending == c && len(c.waiting) == 0 {
		g.pending = nil
	}
	return g.stopped
}

// run collects for c, and then for those who came meanwhile, until nobody waits.
func (g *gatherer) run(c *gathering, deadline time.Time) {
	for c != nil {
		c.families, c.err = g.collect(deadline)
		close(c.done)
		c, deadline = g.next()
	}
}

// next makes the pending collection the running one, and says when it must be
// done. Without one the goroutine ends.
func (g *gatherer) next() (*gathering, time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.running, g.pending = g.pending, nil
	if g.running == nil || g.stopped {
		g.running = nil
		close(g.idle)
		return nil, time.Time{}
	}
	return g.running, g.running.deadlineLocked()
}

// deadlineLocked is the earliest deadline of those who wait, but leaves the
// collection a minimum of time.
func (c *gathering) deadlineLocked() time.Time {
	var earliest time.Time
	for w := range c.waiting {
		if earliest.IsZero() || w.deadline.Before(earliest) {
			earliest = w.deadline
		}
	}
	if least := time.Now().Add(minCollection); earliest.Before(least) {
		return least
	}
	return earliest
}

// stop makes every gather, also those that wait, return errStopped. The channel
// it returns is closed when no collection runs.
func (g *gatherer) stop() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.stopped {
		g.stopped = true
		close(g.stopping)
	}
	return g.idle
}
