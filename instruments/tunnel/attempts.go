package tunnel

import (
	"context"
	"net"

	"github.com/telltale-agent/telltale/instruments"
)

// DialFunc makes a connection; the method DialContext of net.Dialer is one.
type DialFunc func(ctx context.Context, network, addr string) (net.Conn, error)

// Attempts counts the attempts to connect a user to a node. It is safe for
// concurrent use and adds no allocation to an attempt.
type Attempts struct {
	started *instruments.CounterCell
	failed  *instruments.CounterCell
}

// NewAttempts counts in reg. With a nil registry nothing is counted, and
// everything is passed through all the same.
func NewAttempts(reg *instruments.Registry) *Attempts {
	return &Attempts{
		started: instruments.ConnectToNodeAttempts.In(reg),
		failed:  instruments.ConnectToNodeFailures.In(reg),
	}
}

// Dialer returns dial with each call counted as an attempt. What dial returns,
// a connection together with an error included, is returned unchanged; what it
// panics with comes through.
func (a *Attempts) Dialer(dial DialFunc) DialFunc {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		outcome := a.begin()
		defer outcome.end()
		conn, err := dial(ctx, network, addr)
		outcome.connected = err == nil
		return conn, err
	}
}

// Do counts connect as an attempt, whatever it dials: a channel through a
// reverse tunnel, or a connection with the handshake on top of it. It returns
// what connect returns.
func (a *Attempts) Do(connect func() error) error {
	outcome := a.begin()
	defer outcome.end()
	err := connect()
	outcome.connected = err == nil
	return err
}

// outcome is an attempt under way. It has failed unless it says otherwise, so
// that panics and goroutines that end count as what they are.
type outcome struct {
	attempts  *Attempts
	connected bool
}

// begin counts the attempt before anything can fail: the failures are a subset
// in every collection.
func (a *Attempts) begin() outcome {
	a.started.Inc()
	return outcome{attempts: a}
}

func (o *outcome) end() {
	if !o.connected {
		o.attempts.failed.Inc()
	}
}
