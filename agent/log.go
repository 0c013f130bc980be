package agent

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	// logPatience is how long one record keeps its caller waiting.
	logPatience = 100 * time.Millisecond
	// drainPatience is how long the agent waits for its log in the end.
	drainPatience = 5 * logPatience
	// logLimit is how many records wait for a handler that is slow.
	logLimit = 1024
)

// patientHandler keeps a log handler that blocks, such as one whose terminal was
// stopped or whose pipe nobody reads, from blocking the agent. Records are
// written in order, by a goroutine that exists while there are any. The caller
// waits for its record, so that nothing overtakes the log, but not for long, and
// not at all while the handler is known to be stuck.
type patientHandler struct {
	slog.Handler
	queue *logQueue
}

func newPatientHandler(h slog.Handler) patientHandler {
	return patientHandler{Handler: h, queue: &logQueue{handler: h}}
}

// Handle never fails: there is nobody left to tell.
func (h patientHandler) Handle(ctx context.Context, r slog.Record) error {
	h.queue.write(entry{ctx: context.WithoutCancel(ctx), handler: h.Handler, record: r.Clone(), written: make(chan struct{})})
	return nil
}

// WithAttrs returns a handler whose records wait in the same queue.
func (h patientHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return patientHandler{h.Handler.WithAttrs(attrs), h.queue}
}

// WithGroup returns a handler whose records wait in the same queue.
func (h patientHandler) WithGroup(name string) slog.Handler {
	return patientHandler{h.Handler.WithGroup(name), h.queue}
}

// entry is a record on its way.
type entry struct {
	ctx     context.Context
	handler slog.Handler
	record  slog.Record
	written chan struct{} // closed when the handler is done with it
}

// emit gives the record to its handler. One that panics or ends its goroutine
// loses this record and no other.
func (e entry) emit() {
	defer close(e.written)
	defer func() { _ = recover() }()
	_ = e.handler.Handle(e.ctx, e.record)
}

// logQueue holds the records of one log.
type logQueue struct {
	handler slog.Handler // takes the record about those that were lost

	mu      sync.Mutex // guards the fields below
	pending []entry
	lost    int           // records above the limit
	stuck   bool          // a caller has waited in vain since the last record was written
	idle    chan struct{} // closed when the goroutine ends, nil if there is none
}

func (q *logQueue) write(e entry) {
	if !q.add(e) {
		return
	}
	patience := time.NewTimer(logPatience)
	defer patience.Stop()
	select {
	case <-e.written:
	case <-patience.C:
		q.setStuck(true)
	}
}

// add reports whether it makes sense to wait for the entry.
func (q *logQueue) add(e entry) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.pending) >= logLimit {
		q.lost++
		return false
	}
	q.pending = append(q.pending, e)
	if q.idle == nil {
		q.idle = make(chan struct{})
		go q.run()
	}
	return !q.stuck
}

func (q *logQueue) setStuck(stuck bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.stuck = stuck
}

// run is the goroutine.
func (q *logQueue) run() {
	defer q.finish()
	for {
		e, ok := q.next()
		if !ok {
			return
		}
		e.emit()
		q.setStuck(false)
	}
}

// next takes the first entry out. When all are written, it is the one that says
// how many were not.
func (q *logQueue) next() (e entry, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.pending) > 0 {
		e, q.pending = q.pending[0], q.pending[1:]
		return e, true
	}
	if q.lost == 0 {
		return entry{}, false
	}
	r := slog.NewRecord(time.Now(), slog.LevelWarn, "log records were lost: the log was too slow", 0)
	r.AddAttrs(slog.Int("count", q.lost))
	q.lost = 0
	return entry{ctx: context.Background(), handler: q.handler, record: r, written: make(chan struct{})}, true
}

// finish ends the goroutine, or starts the next one if there is more to write,
// which also keeps the log alive when a handler ends the goroutine.
func (q *logQueue) finish() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.pending) > 0 || q.lost > 0 {
		go q.run()
		return
	}
	close(q.idle)
	q.idle = nil
}

// drain waits until everything is written, but not for long, nor beyond ctx.
func (q *logQueue) drain(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, drainPatience)
	defer cancel()
	q.mu.Lock()
	idle := q.idle
	q.mu.Unlock()
	if idle == nil {
		return
	}
	select {
	case <-idle:
	case <-ctx.Done():
	}
}
