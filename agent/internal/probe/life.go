package probe

import (
	"context"
	"errors"
	"sync"
)

// errClosed is the cause of what Run returns after Close.
var errClosed = errors.New("the check is closed")

// life ends the runs of a check when the check is closed. The zero value is open.
type life struct {
	mu     sync.Mutex // guards what follows
	closed bool
	runs   map[*context.CancelFunc]struct{}
}

// begin starts a run: the context it returns ends with ctx or with close. The caller
// must call end.
func (l *life) begin(ctx context.Context, target string) (_ context.Context, end func(), _ error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, nil, &failure{target: target, text: errClosed.Error(), err: errClosed}
	}
	ctx, cancel := context.WithCancel(ctx)
	if l.runs == nil {
		l.runs = make(map[*context.CancelFunc]struct{})
	}
	l.runs[&cancel] = struct{}{}
	return ctx, func() {
		cancel()
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.runs, &cancel)
	}, nil
}

// close cancels all runs and lets no other begin.
func (l *life) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for cancel := range l.runs {
		(*cancel)()
	}
}
