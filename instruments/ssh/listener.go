package ssh

import (
	"net"
	"sync"
	"sync/atomic"
)

// Listener bounds how many connections of inner are open at a time. One that
// comes when limit are open is closed at once, counted, and never returned by
// Accept. A connection holds its place until it is closed. 0 or less means any
// number. Errors of inner are returned as they are; Close and Addr are inner's.
func (s *Server) Listener(inner net.Listener, limit int) net.Listener {
	if limit <= 0 {
		return inner
	}
	return &listener{Listener: inner, server: s, limit: int64(limit)}
}

type listener struct {
	net.Listener
	server *Server
	limit  int64
	open   atomic.Int64
}

func (l *listener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if l.acquire() {
			return withCloseWrite(&limitedConn{Conn: conn, listener: l}, conn), nil
		}
		l.server.connectionLimitHits.Inc()
		_ = conn.Close() // nobody could act on the error
	}
}

// acquire is not an add with a look at the sum: the connection that is being
// refused must not take the place of another.
func (l *listener) acquire() bool {
	for {
		n := l.open.Load()
		if n >= l.limit {
			return false
		}
		if l.open.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// limitedConn gives its place back when it is closed for the first time.
type limitedConn struct {
	net.Conn
	listener *listener
	once     sync.Once
}

func (c *limitedConn) Close() error {
	defer c.once.Do(func() { c.listener.open.Add(-1) })
	return c.Conn.Close()
}

// NetConn returns the connection that the listener beneath accepted.
func (c *limitedConn) NetConn() net.Conn { return c.Conn }
