package tunnel

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrSilent is what [KeepAlive] closed a connection for.
var ErrSilent = errors.New("no answer to a keep-alive")

// DefaultKeepAlive is the interval where none is given.
const DefaultKeepAlive = 15 * time.Second

// keepAliveRequest is the request that OpenSSH sends. Any answer will do, and
// every SSH implementation gives one: that it does not know the request.
const keepAliveRequest = "keepalive@openssh.com"

// Pinger is a connection that can be asked for a sign of life, such as an
// ssh.Conn or an *ssh.Client.
type Pinger interface {
	// SendRequest blocks until the far end has answered or the connection ends.
	SendRequest(name string, wantReply bool, payload []byte) (bool, []byte, error)
	// Close ends the connection, and with it a request under way.
	Close() error
}

// KeepAlive asks the far end of conn for a sign of life every interval, and
// closes conn when none has come within one interval more. Without it, a
// tunnel whose far end has vanished counts until the kernel gives up, which may
// be hours. An interval that is not positive is [DefaultKeepAlive].
//
// It returns ErrSilent, wrapped, when it has closed conn; nil when conn has
// ended otherwise; and the context's error when ctx has ended, which does not
// close conn. A request that is under way then is waited for first, so that no
// goroutine is left.
func KeepAlive(ctx context.Context, conn Pinger, interval time.Duration) error {
	if interval <= 0 {
		interval = DefaultKeepAlive
	}
	next := time.NewTicker(interval)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-next.C:
		}
		if ended, err := ping(conn, interval); ended {
			return err
		}
		next.Reset(interval)
	}
}

// ping asks once, and reports whether that was the end of conn.
func ping(conn Pinger, patience time.Duration) (ended bool, _ error) {
	answered := make(chan answer, 1)
	go ask(conn, answered)
	overdue := time.NewTimer(patience)
	defer overdue.Stop()
	select {
	case a := <-answered:
		return a.get() != nil, nil
	case <-overdue.C:
	}
	err := fmt.Errorf("keep tunnel alive: %w for %s", ErrSilent, patience)
	if closeErr := conn.Close(); closeErr != nil {
		err = fmt.Errorf("%w; close it: %w", err, closeErr)
	}
	a := <-answered
	_ = a.get() // that it failed is known
	return true, err
}

// answer is what came of a request.
type answer struct {
	err      error
	panicked any
}

// get returns the error, and lets a panic go on where it can be recovered.
func (a answer) get() error {
	if a.panicked != nil {
		panic(a.panicked)
	}
	return a.err
}

func ask(conn Pinger, answered chan<- answer) {
	a := answer{err: errors.New("the request ended its goroutine")}
	defer func() {
		a.panicked = recover()
		answered <- a
	}()
	_, _, a.err = conn.SendRequest(keepAliveRequest, true, nil)
}
