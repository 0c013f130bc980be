package diag

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// connections keeps count of the open connections and bounds them.
type connections struct {
	most int

	mu     sync.Mutex // guards what follows
	open   map[net.Conn]standing
	nobody chan struct{} // closed when open is empty, if someone asked
}

// standing is what a connection has been doing since when.
type standing struct {
	waiting bool // for a whole header to arrive
	since   time.Time
}

func newConnections(most int) *connections {
	return &connections{most: most, open: make(map[net.Conn]standing)}
}

// changed is the hook of http.Server. A connection counts as waiting until the whole
// header of a request is there. After the last change of a connection nothing of the
// server runs for it any more.
func (c *connections) changed(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case http.StateNew:
		c.makeRoom(conn)
		c.open[conn] = standing{waiting: true, since: time.Now()}
	case http.StateIdle:
		c.open[conn] = standing{waiting: true, since: time.Now()}
	case http.StateActive:
		c.open[conn] = standing{since: time.Now()}
	case http.StateClosed, http.StateHijacked:
		delete(c.open, conn)
		if len(c.open) == 0 && c.nobody != nil {
			close(c.nobody)
			c.nobody = nil
		}
	}
}

// makeRoom closes the connection that has waited longest if there are too many, or the
// new one if none waits. What is closed leaves the count when its goroutine ends.
func (c *connections) makeRoom(arrived net.Conn) {
	if len(c.open) < c.most {
		return
	}
	victim, oldest := arrived, time.Time{}
	for conn, s := range c.open {
		if s.waiting && (victim == arrived || s.since.Before(oldest)) {
			victim, oldest = conn, s.since
		}
	}
	victim.Close()
	if victim != arrived {
		c.open[victim] = standing{} // not to be chosen again
	}
}

// closeWaiting closes all connections without a request.
func (c *connections) closeWaiting() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn, s := range c.open {
		if s.waiting {
			conn.Close()
		}
	}
}

func (c *connections) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.open)
}

// empty returns a channel that is closed when no connection is open. New ones must not
// come any more.
func (c *connections) empty() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	done := make(chan struct{})
	if len(c.open) == 0 {
		close(done)
		return done
	}
	c.nobody = done
	return done
}
