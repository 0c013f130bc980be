package ssh

import (
	"net"
	"sync"
)

// Conn counts the bytes of an SSH connection in rx and tx, as they pass.
// [Server.Handshake] does that by itself; Conn is for programs that leave the
// handshake to a library. Bytes are counted once, also when what it returns is
// given to Handshake.
//
// The connection beneath is to be had by the method NetConn() net.Conn, and
// CloseWrite is there if it has it.
func (s *Server) Conn(conn net.Conn) net.Conn {
	return withCloseWrite(s.counting(conn), conn)
}

// counting returns the counting connection around conn, which may be one.
func (s *Server) counting(conn net.Conn) *countingConn {
	if c, ok := conn.(interface{ counting() *countingConn }); ok && c.counting().server == s {
		return c.counting()
	}
	return &countingConn{Conn: conn, server: s, closed: make(chan struct{})}
}

// countingConn has neither ReadFrom nor WriteTo: they would count a whole
// stream at its end, and SSH, which encrypts, has no use for them.
type countingConn struct {
	net.Conn
	server *Server
	once   sync.Once
	closed chan struct{} // closed by Close
}

func (c *countingConn) counting() *countingConn { return c }

func (c *countingConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.server.received.Add(float64(n))
	}
	return n, err
}

func (c *countingConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if n > 0 {
		c.server.sent.Add(float64(n))
	}
	return n, err
}

func (c *countingConn) Close() error {
	defer c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// NetConn returns the connection beneath.
func (c *countingConn) NetConn() net.Conn { return c.Conn }

// closeWriter is what connections have that can be closed by halves.
type closeWriter interface{ CloseWrite() error }

// withCloseWrite returns outer, with inner's CloseWrite if it has one.
func withCloseWrite(outer, inner net.Conn) net.Conn {
	half, ok := inner.(closeWriter)
	if !ok {
		return outer
	}
	if c, ok := outer.(*countingConn); ok {
		return countingHalf{c, half}
	}
	return limitedHalf{outer.(*limitedConn), half}
}

type countingHalf struct {
	*countingConn
	closeWriter
}

type limitedHalf struct {
	*limitedConn
	closeWriter
}
