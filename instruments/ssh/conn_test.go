package ssh

import (
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"

	gossh "golang.org/x/crypto/ssh"

	"github.com/telltale-agent/telltale/instruments/instrumentstest"
)

// tallied counts at the client's end what the server should have counted.
type tallied struct {
	net.Conn
	read, written atomic.Int64
}

func (c *tallied) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.read.Add(int64(n))
	return n, err
}

func (c *tallied) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.written.Add(int64(n))
	return n, err
}

// TestBytes compares what the server counts with what the client saw pass. Who
// closes has sent everything and may miss what comes, so there are two runs.
func TestBytes(t *testing.T) {
	g := newGate(t)
	run := func(t *testing.T, end func(client *gossh.Client, server *gossh.ServerConn)) (*instrumentstest.Exit, *tallied) {
		m := instrumentstest.New(t)
		s := serve(t, New(m.Registry, Options{}).Handshake, g.config(), nil)
		wire, err := net.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		tally := &tallied{Conn: wire}
		conn, channels, requests, err := gossh.NewClientConn(tally, "", clientConfig("alice", gossh.Password("secret")))
		if err != nil {
			t.Fatal(err)
		}
		client := gossh.NewClient(conn, channels, requests)
		defer client.Close()
		session := open(t, client)
		session.Stdin = io.LimitReader(zeros{}, 300_000)
		if err := session.Shell(); err != nil {
			t.Fatal(err)
		}
		if err := session.Wait(); err != nil {
			t.Fatal(err)
		}
		server := <-s.conns
		end(client, server)
		_ = server.Wait()
		_ = client.Wait()
		return m, tally
	}
	t.Run("rx", func(t *testing.T) {
		m, tally := run(t, func(client *gossh.Client, _ *gossh.ServerConn) { client.Close() })
		m.Want(t, map[string]float64{"rx": float64(tally.written.Load())})
	})
	t.Run("tx", func(t *testing.T) {
		m, tally := run(t, func(_ *gossh.Client, server *gossh.ServerConn) { server.Close() })
		m.Want(t, map[string]float64{"tx": float64(tally.read.Load())})
	})
}

func TestConn(t *testing.T) {
	m := instrumentstest.New(t)
	measured := New(m.Registry, Options{})
	near, far := pipe(t)
	conn := measured.Conn(far)
	if again := measured.Conn(conn); again.(interface{ counting() *countingConn }).counting() != conn.(countingHalf).countingConn {
		t.Error("wrapped twice: bytes would count twice")
	}
	if got := conn.(interface{ NetConn() net.Conn }).NetConn(); got != far {
		t.Errorf("beneath is %T, want the connection given", got)
	}
	if _, err := near.Write([]byte("12345")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte("123")); err != nil {
		t.Fatal(err)
	}
	if err := conn.(closeWriter).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(near); err != nil || string(got) != "123" {
		t.Errorf("got %q, %v", got, err)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	if err := conn.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("second close: got %v, want what the connection says", err)
	}
	if _, err := conn.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("late write: got %v, want what the connection says", err)
	}
	m.Want(t, map[string]float64{"rx": 5, "tx": 3})
}

func TestConnWithoutCloseWrite(t *testing.T) {
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()
	if _, ok := New(nil, Options{}).Conn(far).(closeWriter); ok {
		t.Error("CloseWrite came from nowhere")
	}
}

// shortConn moves some bytes and fails.
type shortConn struct{ net.Conn }

func (shortConn) Read([]byte) (int, error)  { return 2, io.ErrUnexpectedEOF }
func (shortConn) Write([]byte) (int, error) { return 3, io.ErrShortWrite }

func TestBytesOfFailures(t *testing.T) {
	m := instrumentstest.New(t)
	conn := New(m.Registry, Options{}).Conn(shortConn{})
	if n, err := conn.Read(make([]byte, 10)); n != 2 || err != io.ErrUnexpectedEOF {
		t.Errorf("got %d, %v", n, err)
	}
	if n, err := conn.Write(make([]byte, 10)); n != 3 || err != io.ErrShortWrite {
		t.Errorf("got %d, %v", n, err)
	}
	m.Want(t, map[string]float64{"rx": 2, "tx": 3})
}
