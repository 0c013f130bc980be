package gcs

import (
	"container/list"
	"context"
	"sync"
	"time"

	"github.com/telltale-agent/telltale/instruments"
)

const (
	// retryWindow is how long a transfer whose request failed may be taken up
	// again. The official client pauses for at most 30 seconds.
	retryWindow = 40 * time.Second

	// idleWindow is how long a session may wait for the program's next bytes.
	idleWindow = 24 * time.Hour

	// maxParked bounds the transfers without a request under way.
	maxParked = 1024
)

// measure is where transfers in one direction are counted and timed.
type measure struct {
	count   *instruments.CounterCell
	seconds *instruments.HistogramCell
}

// transfer is one upload or download, however many requests it takes. Its
// fields are guarded by the mutex of the ledger, but those that never change.
type transfer struct {
	measure *measure  // never changes
	started time.Time // never changes

	running int    // requests under way, and bodies that are being read
	counted bool   // recorded; what still comes of it changes nothing
	name    string // the session, or the token under which a request is tried again
	parking *parking
	rest    rest // where an interrupted download goes on

	// opener is the context of the request that opened the session. The program
	// gives up the upload by ending it, unless it ended with its request, as
	// contexts with the timeout of an http.Client do; then it is nil.
	opener  context.Context
	opening bool // the session is open and nothing was sent yet
}

// parking is the time between two requests of a transfer, which has none while
// a request is under way.
type parking struct {
	since   time.Time
	timer   *time.Timer
	unwatch func() bool
	element *list.Element
}

// rest says which request would go on with a download.
type rest struct {
	host, path string // as in the request
	next       int64  // first byte that is missing
	total      int64  // size of the object, 0 if unknown
}

// ledger holds the transfers that have not come to an end. Transfers with a
// request under way are as many as the program has requests; the others are
// bounded in number and in time.
type ledger struct {
	mu     sync.Mutex // guards the fields below and those of every transfer
	named  map[string]*transfer
	parked list.List // of *transfer, the one that waits longest first
	broken int       // parked downloads that have a rest
}

// begin starts a transfer.
func begin(m *measure) *transfer { return &transfer{measure: m, started: time.Now(), running: 1} }

// join goes on with the transfer of that name, or starts it. Requests of one
// session may come side by side, as the parts of an XML multipart upload do:
// only one of them starts it.
func (l *ledger) join(m *measure, name string) *transfer {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.goOn(name)
	if t == nil {
		t = begin(m)
		l.rename(t, name)
	}
	return t
}

// resume goes on with the transfer of that name, if there is one.
func (l *ledger) resume(name string) *transfer {
	if name == "" {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.goOn(name)
}

func (l *ledger) goOn(name string) *transfer {
	t := l.named[name]
	if t == nil {
		return nil
	}
	l.run(t)
	if t.opening {
		t.opening = false
		if t.opener.Err() != nil {
			t.opener = nil
		}
	}
	return t
}

// resumeDownload goes on with a download that broke where the range begins.
func (l *ledger) resumeDownload(host, path string, r byteRange) *transfer {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken == 0 {
		return nil
	}
	for e := l.parked.Front(); e != nil; e = e.Next() {
		t := e.Value.(*transfer)
		if t.rest.path == path && t.rest.host == host && r.continues(t.rest) {
			l.run(t)
			return t
		}
	}
	return nil
}

func (l *ledger) run(t *transfer) {
	l.unpark(t)
	t.running++
}

// end counts a transfer and forgets it.
func (l *ledger) end(t *transfer) {
	l.mu.Lock()
	first := l.count(t)
	l.forget(t)
	l.mu.Unlock()
	if first {
		t.record(time.Now())
	}
}

// endIfIdle is end unless a request goes on with the transfer.
func (l *ledger) endIfIdle(t *transfer) {
	l.mu.Lock()
	p := t.parking
	first := p != nil && l.count(t)
	if p != nil {
		l.forget(t)
	}
	l.mu.Unlock()
	if first {
		t.record(p.since)
	}
}

// giveUp counts a transfer whose caller gave up. Its name stays for a while, in
// case that only one attempt was given up and another follows: that would not
// be another transfer.
func (l *ledger) giveUp(t *transfer, name string) {
	l.mu.Lock()
	first := l.count(t)
	evicted := l.pause(t, name, nil, retryWindow)
	l.mu.Unlock()
	if first {
		t.record(time.Now())
	}
	evicted.recordEvicted()
}

// park keeps a transfer until it goes on, until ctx is done or until it has
// waited too long. The latter two count it.
func (l *ledger) park(t *transfer, name string, ctx context.Context, wait time.Duration) {
	l.mu.Lock()
	evicted := l.pause(t, name, ctx, wait)
	l.mu.Unlock()
	evicted.recordEvicted()
}

// parkOpened parks an upload whose session was opened.
func (l *ledger) parkOpened(t *transfer, session string, opener context.Context) {
	l.mu.Lock()
	t.opener, t.opening = opener, true
	evicted := l.pause(t, session, opener, idleWindow)
	l.mu.Unlock()
	evicted.recordEvicted()
}

// parkSession parks an upload between two requests of its session, the last of
// which failed if the window is the short one.
func (l *ledger) parkSession(t *transfer, session string, wait time.Duration) {
	l.mu.Lock()
	evicted := l.pause(t, session, t.opener, wait)
	l.mu.Unlock()
	evicted.recordEvicted()
}

// parkBroken parks a download that was interrupted while it was read.
func (l *ledger) parkBroken(t *transfer, r rest, ctx context.Context) {
	l.mu.Lock()
	evicted := l.pause(t, "", ctx, retryWindow)
	if t.parking != nil {
		t.rest = r
		l.broken++
	}
	l.mu.Unlock()
	evicted.recordEvicted()
}

// pause notes that a request of the transfer ended, and returns what had to
// make room.
func (l *ledger) pause(t *transfer, name string, ctx context.Context, wait time.Duration) *transfer {
	l.rename(t, name)
	if t.running--; t.running > 0 {
		return nil
	}
	if t.counted {
		ctx, wait = nil, retryWindow
	}
	p := &parking{since: time.Now(), element: l.parked.PushBack(t)}
	t.parking = p
	p.timer = time.AfterFunc(wait, func() { l.expire(t, p) })
	if ctx != nil && ctx.Done() != nil {
		p.unwatch = context.AfterFunc(ctx, func() { l.cancel(t, p) })
	}
	return l.evict()
}

// wasGivenUp says whether the program ended the upload as a whole, not only one
// of its requests.
func (l *ledger) wasGivenUp(t *transfer) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return t.opener != nil && t.opener.Err() != nil
}

// evict drops the transfer that has waited longest if there are too many.
func (l *ledger) evict() *transfer {
	if l.parked.Len() <= maxParked {
		return nil
	}
	t := l.parked.Front().Value.(*transfer)
	since := t.parking.since
	first := l.count(t)
	l.forget(t)
	if !first {
		return nil
	}
	return &transfer{measure: t.measure, started: t.started, parking: &parking{since: since}}
}

func (t *transfer) recordEvicted() {
	if t != nil {
		t.record(t.parking.since)
	}
}

// expire ends what has waited too long.
func (l *ledger) expire(t *transfer, p *parking) {
	l.mu.Lock()
	first := t.parking == p && l.count(t)
	if t.parking == p {
		l.forget(t)
	}
	l.mu.Unlock()
	if first {
		t.record(p.since)
	}
}

// cancel ends what waits while its context is done. The name stays as in
// giveUp. A session that was just opened may have a context that ended with the
// request; it is given the time to show that it goes on.
func (l *ledger) cancel(t *transfer, p *parking) {
	l.mu.Lock()
	first := t.parking == p && !t.opening && l.count(t)
	if t.parking == p {
		p.timer.Reset(retryWindow)
	}
	l.mu.Unlock()
	if first {
		t.record(time.Now())
	}
}

// count marks a transfer as recorded, and says whether it was not before.
func (l *ledger) count(t *transfer) bool {
	first := !t.counted
	t.counted = true
	return first
}

func (l *ledger) rename(t *transfer, name string) {
	if t.name == name {
		return
	}
	if l.named[t.name] == t {
		delete(l.named, t.name)
	}
	t.name = name
	if name == "" {
		return
	}
	if l.named == nil {
		l.named = make(map[string]*transfer)
	}
	l.named[name] = t
}

func (l *ledger) forget(t *transfer) {
	l.rename(t, "")
	l.unpark(t)
}

func (l *ledger) unpark(t *transfer) {
	p := t.parking
	if p == nil {
		return
	}
	t.parking = nil
	p.timer.Stop()
	if p.unwatch != nil {
		p.unwatch()
	}
	l.parked.Remove(p.element)
	if t.rest.path != "" {
		t.rest = rest{}
		l.broken--
	}
}

// record counts and times the transfer, which took until the given time.
func (t *transfer) record(until time.Time) {
	t.measure.count.Inc()
	t.measure.seconds.Record(until.Sub(t.started).Seconds())
}
