package ssh

import (
	"io"
	"net"
	"testing"

	gossh "golang.org/x/crypto/ssh"

	"github.com/telltale-agent/telltale/instruments/instrumentstest"
)

// BenchmarkThroughput sends data through a session, with what this package adds
// and without.
func BenchmarkThroughput(b *testing.B) {
	each(b, func(b *testing.B, handshake handshakeFunc) {
		s := serve(b, handshake, newGate(b).config(), nil)
		session := open(b, s.dial(b, clientConfig("alice", gossh.Password("secret"))))
		stdin, err := session.StdinPipe()
		if err != nil {
			b.Fatal(err)
		}
		if err := session.Shell(); err != nil {
			b.Fatal(err)
		}
		chunk := make([]byte, 32<<10)
		b.SetBytes(int64(len(chunk)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := stdin.Write(chunk); err != nil {
				b.Fatal(err)
			}
		}
		stdin.Close()
		if err := session.Wait(); err != nil {
			b.Fatal(err)
		}
	})
}

// BenchmarkLogin is a handshake with a password, and the end of the connection.
func BenchmarkLogin(b *testing.B) {
	each(b, func(b *testing.B, handshake handshakeFunc) {
		s := serve(b, handshake, newGate(b).config(), nil)
		b.ReportAllocs()
		for b.Loop() {
			client, err := gossh.Dial("tcp", s.addr, clientConfig("alice", gossh.Password("secret")))
			if err != nil {
				b.Fatal(err)
			}
			<-s.handshakes
			<-s.conns
			client.Close()
		}
	})
}

// BenchmarkSession opens a session on a connection and closes it.
func BenchmarkSession(b *testing.B) {
	each(b, func(b *testing.B, handshake handshakeFunc) {
		s := serve(b, handshake, newGate(b).config(), nil)
		client := s.dial(b, clientConfig("alice", gossh.Password("secret")))
		b.ReportAllocs()
		for b.Loop() {
			session, err := client.NewSession()
			if err != nil {
				b.Fatal(err)
			}
			session.Close()
			<-s.ended
		}
	})
}

// BenchmarkRead is what counting adds to one read.
func BenchmarkRead(b *testing.B) {
	m := instrumentstest.New(b)
	for name, conn := range map[string]net.Conn{"bare": endless{}, "measured": New(m.Registry, Options{}).Conn(endless{})} {
		b.Run(name, func(b *testing.B) {
			p := make([]byte, 4096)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := conn.Read(p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

type endless struct{ net.Conn }

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func each(b *testing.B, run func(*testing.B, handshakeFunc)) {
	b.Run("bare", func(b *testing.B) { run(b, gossh.NewServerConn) })
	b.Run("measured", func(b *testing.B) { run(b, New(instrumentstest.New(b).Registry, Options{MaxSessions: 10}).Handshake) })
}

func TestCountingAllocatesNothing(t *testing.T) {
	conn := New(instrumentstest.New(t).Registry, Options{}).Conn(endless{})
	p := make([]byte, 4096)
	if n := testing.AllocsPerRun(100, func() { _, _ = io.ReadFull(conn, p) }); n != 0 {
		t.Errorf("a read allocates %v times, want 0", n)
	}
}
