package ssh

import (
	"errors"
	"io"
	"net"
	"sync"
	"testing"

	gossh "golang.org/x/crypto/ssh"

	"github.com/telltale-agent/telltale/instruments/instrumentstest"
)

func refusals(n float64) map[string]float64 {
	return map[string]float64{"proxy_connection_limit_exceeded_total": n}
}

func TestConnectionLimit(t *testing.T) {
	g := newGate(t)
	m := instrumentstest.New(t)
	measured := New(m.Registry, Options{})
	s := serve(t, measured.Handshake, g.config(), func(l net.Listener) net.Listener { return measured.Listener(l, 2) })
	config := clientConfig("alice", gossh.Password("secret"))
	first := s.dial(t, config)
	s.dial(t, config)
	<-s.handshakes
	<-s.handshakes

	refused, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer refused.Close()
	if got, err := io.ReadAll(refused); len(got) > 0 || err != nil {
		t.Errorf("got %q, %v, want a connection closed at once", got, err)
	}
	m.Want(t, refusals(1))
	m.Want(t, logins(2, 0, 0))

	// A place is free as soon as the server has closed.
	server := <-s.conns
	first.Close()
	_ = server.Wait() // x/crypto closes the connection before
	s.dial(t, config)
	<-s.handshakes
	m.Want(t, refusals(1))
	m.Want(t, logins(3, 0, 0))
}

// TestFailedHandshakeFreesItsPlace has one place, and clients that fail.
func TestFailedHandshakeFreesItsPlace(t *testing.T) {
	g := newGate(t)
	m := instrumentstest.New(t)
	measured := New(m.Registry, Options{})
	s := serve(t, measured.Handshake, g.config(), func(l net.Listener) net.Listener { return measured.Listener(l, 1) })
	for range 5 {
		if _, err := gossh.Dial("tcp", s.addr, clientConfig("alice", gossh.Password("guess"))); err == nil {
			t.Fatal("got in")
		}
		<-s.handshakes
	}
	m.Want(t, refusals(0))
	m.Want(t, logins(0, 5, 0))
}

// TestManyConnections comes with far more than the limit at once.
func TestManyConnections(t *testing.T) {
	m := instrumentstest.New(t)
	const limit, all = 5, 50
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener := New(m.Registry, Options{}).Listener(tcp, limit)
	var acceptors sync.WaitGroup
	accepted := make(chan net.Conn, all)
	for range 4 { // several may accept
		acceptors.Go(func() {
			for {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				accepted <- conn
			}
		})
	}
	var refused, clients sync.WaitGroup
	refused.Add(all - limit)
	for range all {
		conn, err := net.Dial("tcp", tcp.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		clients.Go(func() {
			if n, _ := conn.Read(make([]byte, 1)); n == 0 {
				refused.Done()
			}
		})
	}
	refused.Wait()
	m.Want(t, refusals(all-limit))
	for range limit {
		conn := <-accepted
		if _, err := conn.Write([]byte("x")); err != nil {
			t.Error(err)
		}
		var closers sync.WaitGroup
		for range 3 { // closing again frees nothing more
			closers.Go(func() { conn.Close() })
		}
		closers.Wait()
	}
	clients.Wait()
	if got := listener.(interface{ places() int64 }).places(); got != 0 {
		t.Errorf("open: got %d, want 0", got)
	}
	listener.Close()
	acceptors.Wait()
}

func (l *listener) places() int64 { return l.open.Load() }

func TestListenerPassesOn(t *testing.T) {
	measured := New(nil, Options{})
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if measured.Listener(tcp, 0) != tcp {
		t.Error("a listener without limit was wrapped")
	}
	listener := measured.Listener(tcp, 1)
	if listener.Addr() != tcp.Addr() {
		t.Errorf("address: got %v", listener.Addr())
	}
	client, err := net.Dial("tcp", tcp.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	conn, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, ok := conn.(interface{ NetConn() net.Conn }).NetConn().(*net.TCPConn); !ok {
		t.Error("the TCP connection cannot be reached")
	}
	if _, ok := conn.(closeWriter); !ok {
		t.Error("CloseWrite is gone")
	}
	listener.Close()
	if _, err := listener.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v, want the listener's own error", err)
	}
}
