package tunnel_test

import (
	"context"
	"errors"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/telltale-agent/telltale/instruments/tunnel"
)

// pinged is the far end of a connection, as KeepAlive sees it.
type pinged struct {
	answer   func(n int) (ok bool, err error) // nil: silent until closed
	closeErr error
	asked    atomic.Int32
	once     sync.Once
	closed   chan struct{}
}

func newPinged(answer func(n int) (bool, error)) *pinged {
	return &pinged{answer: answer, closed: make(chan struct{})}
}

func (p *pinged) SendRequest(name string, wantReply bool, _ []byte) (bool, []byte, error) {
	n := int(p.asked.Add(1))
	if name == "" || !wantReply {
		return false, nil, errors.New("that asks for no answer")
	}
	if p.answer == nil {
		<-p.closed
		return false, nil, io.EOF
	}
	ok, err := p.answer(n)
	return ok, nil, err
}

func (p *pinged) Close() error {
	p.once.Do(func() { close(p.closed) })
	return p.closeErr
}

func TestKeepAlive(t *testing.T) {
	broken, panicked := errors.New("broken"), "no"
	for _, row := range []struct {
		name     string
		interval time.Duration
		far      *pinged
		want     error
		panicked any
		took     time.Duration
		closed   bool
	}{
		{"ends", time.Second, newPinged(func(n int) (bool, error) {
			if n < 5 {
				return false, nil // a request that it does not know is an answer
			}
			return false, io.EOF
		}), nil, nil, 5 * time.Second, false},
		{"silent", time.Second, newPinged(nil), tunnel.ErrSilent, nil, 2 * time.Second, true},
		{"silent, default interval", 0, newPinged(nil), tunnel.ErrSilent, nil, 2 * tunnel.DefaultKeepAlive, true},
		{"slow but alive", time.Second, newPinged(func(n int) (bool, error) {
			time.Sleep(900 * time.Millisecond)
			if n == 3 {
				return true, io.EOF
			}
			return true, nil
		}), nil, nil, 5700 * time.Millisecond, false},
		{"cannot be closed", time.Second, &pinged{closed: make(chan struct{}), closeErr: broken}, broken, nil, 2 * time.Second, true},
		{"ends its goroutine", time.Second, newPinged(func(int) (bool, error) { runtime.Goexit(); return false, nil }), nil, nil, time.Second, false},
		{"panics", time.Second, newPinged(func(int) (bool, error) { panic(panicked) }), nil, panicked, time.Second, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				row.far.closed = make(chan struct{}) // of this bubble
				began := time.Now()
				value, err := keepAlive(context.Background(), row.far, row.interval)
				if !errors.Is(err, row.want) || row.want == nil && err != nil || value != row.panicked {
					t.Errorf("got %v (panic %v), want %v (panic %v)", err, value, row.want, row.panicked)
				}
				if took := time.Since(began); took != row.took {
					t.Errorf("took %s, want %s", took, row.took)
				}
				select {
				case <-row.far.closed:
					if !row.closed {
						t.Error("the connection was closed")
					}
				default:
					if row.closed {
						t.Error("the connection was not closed")
					}
				}
			})
		})
	}
}

func keepAlive(ctx context.Context, far *pinged, interval time.Duration) (panicked any, err error) {
	defer func() { panicked = recover() }()
	return nil, tunnel.KeepAlive(ctx, far, interval)
}

func TestKeepAliveEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		far := newPinged(func(int) (bool, error) { return true, nil })
		ctx, cancel := context.WithTimeout(context.Background(), 3500*time.Millisecond)
		defer cancel()
		if err := tunnel.KeepAlive(ctx, far, time.Second); err != context.DeadlineExceeded {
			t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
		}
		select {
		case <-far.closed:
			t.Error("the connection was closed")
		default:
		}
		if got := far.asked.Load(); got != 3 {
			t.Errorf("asked %d times, want 3", got)
		}
	})
}
