package health

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	// journalLimit is how many lines wait for a slow log handler. It is more
	// than a process with ten thousand components has to say at once.
	journalLimit = 1 << 16
	// drainTime is how long Close waits for the log.
	drainTime = time.Second
)

// A line is one line of the log.
type line struct {
	at      time.Time
	level   slog.Level
	message string
	attrs   []slog.Attr
}

// lineFor is the line about a change of state.
func lineFor(tr Transition) line {
	l := line{at: tr.At, level: slog.LevelInfo, message: "process state changed"}
	if tr.To == StateDegraded && tr.Reason != ReasonShuttingDown { // an orderly stop is no trouble
		l.level = slog.LevelWarn
	}
	if tr.Component != "" {
		l.message = "component state changed"
		l.attrs = append(l.attrs, slog.String("component", tr.Component))
	}
	l.attrs = append(l.attrs, slog.String("from", tr.From.String()), slog.String("to", tr.To.String()))
	if tr.Reason != ReasonNone {
		l.attrs = append(l.attrs, slog.String("reason", tr.Reason.String()))
	}
	if tr.Err != nil {
		l.attrs = append(l.attrs, slog.Any("err", tr.Err))
	}
	return l
}

// refusal is the line about a component that could not be had as asked.
func refusal(name string, err error) line {
	if len(name) > maxName {
		name = name[:maxName]
	}
	return line{
		at:      time.Now(),
		level:   slog.LevelError,
		message: "component refused",
		attrs:   []slog.Attr{slog.String("component", name), slog.Any("err", err)},
	}
}

// A journal writes lines in the order in which they were added, from a
// goroutine that exists while there are any. Adding never waits for the handler.
type journal struct {
	logger *slog.Logger

	// mu guards what follows. It is not held while a line is written.
	mu      sync.Mutex
	pending []line
	lost    int           // lines beyond journalLimit since the last write
	idle    chan struct{} // closed when the goroutine ends, nil if there is none
}

// add appends a line and sees to it that it gets written.
func (j *journal) add(l line) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.pending) >= journalLimit {
		j.lost++
		return
	}
	j.pending = append(j.pending, l)
	if j.idle == nil {
		j.idle = make(chan struct{})
		go j.write()
	}
}

// write is the goroutine.
func (j *journal) write() {
	defer j.finish()
	for {
		lines := j.take()
		if len(lines) == 0 {
			return
		}
		for _, l := range lines {
			j.emit(l)
		}
	}
}

// take empties the queue.
func (j *journal) take() []line {
	j.mu.Lock()
	defer j.mu.Unlock()
	lines := j.pending
	j.pending = nil
	if j.lost > 0 {
		lines = append(lines, line{
			at:      time.Now(),
			level:   slog.LevelWarn,
			message: "health changes not logged",
			attrs:   []slog.Attr{slog.Int("count", j.lost)},
		})
		j.lost = 0
	}
	return lines
}

// finish ends the goroutine, or starts the next one if lines came meanwhile.
// That also keeps the log alive when a handler ends the goroutine itself.
func (j *journal) finish() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.pending) > 0 {
		go j.write()
		return
	}
	close(j.idle)
	j.idle = nil
}

// emit writes one line. A handler that panics loses that line and no other.
func (j *journal) emit(l line) {
	defer func() { _ = recover() }()
	ctx := context.Background()
	handler := j.logger.Handler()
	if !handler.Enabled(ctx, l.level) {
		return
	}
	record := slog.NewRecord(l.at, l.level, l.message, 0)
	record.AddAttrs(l.attrs...)
	_ = handler.Handle(ctx, record)
}

// drain waits until everything is written, at most for limit.
func (j *journal) drain(limit time.Duration) {
	j.mu.Lock()
	idle := j.idle
	j.mu.Unlock()
	if idle == nil {
		return
	}
	timeout := time.NewTimer(limit)
	defer timeout.Stop()
	select {
	case <-idle:
	case <-timeout.C:
	}
}
