package ssh

import (
	"io"
	"net"
	"testing"

	gossh "golang.org/x/crypto/ssh"

	"github.com/telltale-agent/telltale/instruments/instrumentstest"
)

// FuzzHandshake is a client that sends what it likes. It never gets in, what
// is counted never contradicts itself, and every byte is counted.
func FuzzHandshake(f *testing.F) {
	f.Add([]byte(""))
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	f.Add([]byte("SSH-2.0-x\r\n"))
	f.Add([]byte("SSH-2.0-x\r\n\x00\x00\x00\x0c\x0a\x14aaaaaaaaaaaaaaaa"))
	f.Add([]byte("SSH-2.0-x\r\n\x00\x00\x00\x0c\x0a\x01\x00\x00\x00\x02\x00\x00\x00\x00"))
	config := newGate(f).config()
	f.Fuzz(func(t *testing.T, input []byte) {
		m := instrumentstest.New(t)
		near, far := net.Pipe()
		go func() {
			_, _ = near.Write(input)
			near.Close()
		}()
		received := &tallied{Conn: far}
		if _, _, _, err := New(m.Registry, Options{}).Handshake(drained{received}, config); err == nil {
			t.Error("got in")
		}
		m.Want(t, logins(0, 0, 0))
		m.Want(t, map[string]float64{"rx": float64(received.read.Load())})
	})
}

// drained is a connection whose other end reads all.
type drained struct{ *tallied }

func (drained) Write(p []byte) (int, error) { return io.Discard.Write(p) }

// FuzzSessions plays a client and a server that do things in any order, and
// compares the gauge and the places taken with a model.
func FuzzSessions(f *testing.F) {
	f.Add([]byte{0x00, 0x10, 0x20, 0x30, 0x40})
	f.Add([]byte{0x00, 0x01, 0x02, 0x12, 0x22, 0x52, 0x60, 0x50, 0x50})
	f.Add([]byte{0x00, 0x10, 0x20, 0x30, 0x30, 0x20, 0x50, 0x20})
	f.Fuzz(func(t *testing.T, ops []byte) {
		m := instrumentstest.New(t)
		measured := New(m.Registry, Options{MaxSessions: 3})
		in, closed := make(chan gossh.NewChannel, 1), make(chan struct{})
		out := measured.forward(in, "alice", closed)
		sessions := make([]*played, 8)
		var hits float64
		for _, op := range ops {
			i := op & 7
			if op>>4 == 0 && sessions[i] == nil {
				sessions[i] = play(in, out, places(sessions) < 3)
				if sessions[i] == nil {
					hits++
				}
			} else if sessions[i] != nil && sessions[i].do(op>>4) {
				sessions[i] = nil
			}
			compare(t, m, measured, sessions, hits)
		}
		for _, s := range sessions {
			if s != nil && s.requests != nil {
				close(s.fake.requests)
				for range s.requests {
				}
			}
		}
		close(closed)
		close(in)
		for range out {
		}
		compare(t, m, measured, nil, hits)
	})
}

// played is what the model knows of a session that has not ended.
type played struct {
	fake     *fakeChannel
	offered  gossh.NewChannel
	channel  gossh.Channel         // once accepted
	requests <-chan *gossh.Request // once accepted
	asked    int
}

func play(in chan<- gossh.NewChannel, out <-chan gossh.NewChannel, free bool) *played {
	fake := &fakeChannel{kind: "session", requests: make(chan *gossh.Request)}
	in <- fake
	if !free {
		in <- &fakeChannel{kind: "other"} // comes out after the refusal
		<-out
		return nil
	}
	return &played{fake: fake, offered: <-out}
}

// do is whether the session has ended by it.
func (p *played) do(op byte) bool {
	if p.channel == nil {
		switch op {
		case 1:
			p.channel, p.requests, _ = p.offered.Accept()
		case 2:
			p.fake.failing = true
			_, _, _ = p.offered.Accept()
			return true
		case 3:
			_ = p.offered.Reject(gossh.Prohibited, "")
			return true
		}
		return false
	}
	switch op {
	case 1:
		p.ask("exec")
	case 2:
		p.ask("shell")
		p.asked++
	case 3:
		_ = Refuse(p.channel, p.ask("pty-req"))
	case 4:
		_ = Refuse(p.channel, &gossh.Request{Type: "shell"})
		p.asked = max(0, p.asked-1)
	case 5, 6:
		if op == 5 {
			_ = p.channel.Close()
		}
		close(p.fake.requests)
		for range p.requests {
		}
		_ = p.channel.Close()
		return true
	}
	return false
}

func (p *played) ask(kind string) *gossh.Request {
	p.fake.requests <- &gossh.Request{Type: kind}
	return <-p.requests
}

func places(sessions []*played) (n int) {
	for _, s := range sessions {
		if s != nil {
			n++
		}
	}
	return n
}

func compare(t *testing.T, m *instrumentstest.Exit, measured *Server, sessions []*played, hits float64) {
	t.Helper()
	interactive := 0
	for _, s := range sessions {
		if s != nil && s.asked > 0 {
			interactive++
		}
	}
	if got, want := measured.users.of("alice"), places(sessions); got != want {
		t.Fatalf("places taken: got %d, want %d", got, want)
	}
	m.Want(t, map[string]float64{
		"server_interactive_sessions_total":      float64(interactive),
		"user_max_concurrent_sessions_hit_total": hits,
	})
}
