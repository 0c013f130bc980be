package etcd

import (
	"net"
	"sync"
	"testing"
)

// gate stands before a server. Connections are taken at once; what the client sends is passed on only while the gate is
// open. So a server can be there and not answer.
type gate struct {
	addr string

	mu     sync.Mutex
	open   *sync.Cond // of mu
	isOpen bool       // guarded by mu
	ended  bool       // guarded by mu; the test is over
}

// newGate is closed at first.
func newGate(t *testing.T, target string) *gate {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{addr: listener.Addr().String()}
	g.open = sync.NewCond(&g.mu)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { g.serve(conn, target) })
		}
	})
	t.Cleanup(func() {
		g.mu.Lock()
		g.ended = true
		g.open.Broadcast()
		g.mu.Unlock()
		_ = listener.Close()
		wg.Wait()
	})
	return g
}

// set opens or closes the gate.
func (g *gate) set(open bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.isOpen = open
	g.open.Broadcast()
}

// pass waits until the gate is open, or the test over.
func (g *gate) pass() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for !g.isOpen && !g.ended {
		g.open.Wait()
	}
}

// serve copies both ways until one side is done.
func (g *gate) serve(client net.Conn, target string) {
	defer func() { _ = client.Close() }()
	server, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	var answers sync.WaitGroup
	answers.Go(func() {
		copyThrough(client, server, func() {})
		_ = client.Close()
	})
	copyThrough(server, client, g.pass)
	_ = server.Close()
	answers.Wait()
}

func copyThrough(to, from net.Conn, pass func()) {
	buffer := make([]byte, 4096)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		pass()
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}
