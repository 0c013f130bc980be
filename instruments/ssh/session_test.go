package ssh

import (
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"

	gossh "golang.org/x/crypto/ssh"

	"github.com/telltale-agent/telltale/instruments/instrumentstest"
)

func sessions(interactive, hits float64) map[string]float64 {
	return map[string]float64{
		"server_interactive_sessions_total":      interactive,
		"user_max_concurrent_sessions_hit_total": hits,
	}
}

var modes = gossh.TerminalModes{}

// ask sends a request and fails the test unless it is answered as wanted.
func ask(t *testing.T, session *gossh.Session, s *serving, name string, payload any, want bool) {
	t.Helper()
	var body []byte
	if payload != nil {
		body = gossh.Marshal(payload)
	}
	ok, err := session.SendRequest(name, true, body)
	if err != nil || ok != want {
		t.Fatalf("%s: got %v, %v, want %v", name, ok, err, want)
	}
	if got := <-s.opened; got != name {
		t.Fatalf("server handled %s, want %s", got, name)
	}
}

func TestInteractiveSessions(t *testing.T) {
	g := newGate(t)
	env := func(refuse string) any { return struct{ Name, Value string }{"REFUSE", refuse} }
	type step struct {
		request string
		payload any
		want    bool
		gauge   float64
	}
	rows := []struct {
		name  string
		steps []step
	}{
		{"nothing asked", nil},
		{"shell", []step{{"shell", nil, true, 1}}},
		{"terminal and shell", []step{{"pty-req", nil, true, 1}, {"shell", nil, true, 1}}},
		{"terminal and window", []step{{"pty-req", nil, true, 1}, {"window-change", nil, true, 1}}},
		{"environment", []step{{"env", env("x"), true, 0}}},
		{"subsystem", []step{{"subsystem", struct{ Name string }{"sftp"}, true, 0}}},
		{"terminal refused, shell", []step{{"env", env("pty-req"), true, 0}, {"pty-req", nil, false, 0}, {"shell", nil, true, 1}}},
		{"terminal, shell refused", []step{{"env", env("shell"), true, 0}, {"pty-req", nil, true, 1}, {"shell", nil, false, 1}}},
		{"both refused", []step{
			{"env", env("shell"), true, 0}, {"env", env("pty-req"), true, 0},
			{"pty-req", nil, false, 0}, {"shell", nil, false, 0},
		}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			m := instrumentstest.New(t)
			s := serve(t, New(m.Registry, Options{}).Handshake, g.config(), nil)
			session := open(t, s.dial(t, clientConfig("alice", gossh.Password("secret"))))
			for _, step := range row.steps {
				ask(t, session, s, step.request, step.payload, step.want)
				m.Want(t, sessions(step.gauge, 0))
			}
			session.Close()
			<-s.ended
			m.Want(t, sessions(0, 0))
		})
	}
}

func TestCommandsAreNotInteractive(t *testing.T) {
	m := instrumentstest.New(t)
	s := serve(t, New(m.Registry, Options{}).Handshake, newGate(t).config(), nil)
	output, err := open(t, s.dial(t, clientConfig("alice", gossh.Password("secret")))).Output("date")
	if err != nil || string(output) != "hello\n" {
		t.Fatalf("got %q, %v", output, err)
	}
	m.Want(t, sessions(0, 0))
}

// TestSessionsEnd looks at the ways in which sessions end together.
func TestSessionsEnd(t *testing.T) {
	rows := []struct {
		name string
		end  func(client *gossh.Client, wire net.Conn, server *gossh.ServerConn)
	}{
		{"client closes", func(client *gossh.Client, _ net.Conn, _ *gossh.ServerConn) { client.Close() }},
		{"network fails", func(_ *gossh.Client, wire net.Conn, _ *gossh.ServerConn) {
			_ = wire.(*net.TCPConn).SetLinger(0)
			wire.Close()
		}},
		{"server closes", func(_ *gossh.Client, _ net.Conn, server *gossh.ServerConn) { server.Close() }},
	}
	g := newGate(t)
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			m := instrumentstest.New(t)
			s := serve(t, New(m.Registry, Options{}).Handshake, g.config(), nil)
			wire, err := net.Dial("tcp", s.addr)
			if err != nil {
				t.Fatal(err)
			}
			conn, channels, requests, err := gossh.NewClientConn(wire, "", clientConfig("alice", gossh.Password("secret")))
			if err != nil {
				t.Fatal(err)
			}
			client := gossh.NewClient(conn, channels, requests)
			defer client.Close()
			for range 3 {
				ask(t, open(t, client), s, "pty-req", nil, true)
			}
			m.Want(t, sessions(3, 0))
			row.end(client, wire, <-s.conns)
			for range 3 {
				<-s.ended
			}
			m.Want(t, sessions(0, 0))
		})
	}
}

// TestSessionsOfHandlersThatDoNotReturn has a handler that panics or ends its
// goroutine in the middle of a session. Its deferred close gives back all.
func TestSessionsOfHandlersThatDoNotReturn(t *testing.T) {
	g := newGate(t)
	for name, end := range endings {
		t.Run(name, func(t *testing.T) {
			m := instrumentstest.New(t)
			measured := New(m.Registry, Options{MaxSessions: 1})
			near, far := pipe(t)
			var serving sync.WaitGroup
			handle := func(offered gossh.NewChannel) {
				defer func() { _ = recover() }()
				channel, requests, err := offered.Accept()
				if err != nil {
					t.Error(err)
					return
				}
				defer channel.Close()
				_ = (<-requests).Reply(true, nil)
				m.Want(t, sessions(1, 0))
				end()
			}
			serving.Go(func() {
				_, channels, requests, err := measured.Handshake(far, g.config())
				if err != nil {
					t.Error(err)
					return
				}
				serving.Go(func() { gossh.DiscardRequests(requests) })
				for offered := range channels {
					serving.Go(func() { handle(offered) })
				}
			})
			conn, channels, requests, err := gossh.NewClientConn(near, "", clientConfig("alice", gossh.Password("secret")))
			if err != nil {
				t.Fatal(err)
			}
			client := gossh.NewClient(conn, channels, requests)
			for range 3 {
				session, err := client.NewSession()
				if err != nil {
					t.Fatal(err)
				}
				if err := session.Shell(); err != nil {
					t.Error(err)
				}
				_ = session.Wait() // without an exit status
				m.Want(t, sessions(0, 0))
			}
			client.Close()
			serving.Wait()
		})
	}
}

// TestSessionsNobodyTakes leaves channels and requests lying about until the
// whole connection is held up. When the server closes it their places are given
// back, and no goroutine stays behind.
func TestSessionsNobodyTakes(t *testing.T) {
	m := instrumentstest.New(t)
	measured := New(m.Registry, Options{MaxSessions: 3})
	g := newGate(t)
	near, far := pipe(t)
	accepted := make(chan *gossh.ServerConn, 1)
	go func() {
		conn, channels, requests, err := measured.Handshake(far, g.config())
		if err != nil {
			t.Error(err)
			close(accepted)
			return
		}
		go gossh.DiscardRequests(requests)
		_, _, err = (<-channels).Accept() // and nobody reads its requests
		if err != nil {
			t.Error(err)
		}
		accepted <- conn
	}()
	conn, channels, requests, err := gossh.NewClientConn(near, "", clientConfig("alice", gossh.Password("secret")))
	if err != nil {
		t.Fatal(err)
	}
	client := gossh.NewClient(conn, channels, requests)
	session := open(t, client)
	server := <-accepted
	if server == nil {
		t.FailNow()
	}
	pending := make(chan error, 1)
	go func() { _, err := client.NewSession(); pending <- err }()
	for range 200 {
		if _, err := session.SendRequest("pty-req", false, nil); err != nil {
			t.Fatal(err)
		}
	}
	server.Close()
	_ = server.Wait()
	if err := <-pending; err == nil {
		t.Error("a session was opened that nobody accepted")
	}
	for measured.users.of("alice") != 0 { // the goroutines end after Wait
		runtime.Gosched()
	}
	m.Want(t, sessions(0, 0))
}

func (l *userLimit) of(user string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open[user]
}

// TestServerClosesFirst has a client that never confirms the close.
func TestServerClosesFirst(t *testing.T) {
	m := instrumentstest.New(t)
	measured := New(m.Registry, Options{MaxSessions: 1})
	fake := &fakeChannel{kind: "session", requests: make(chan *gossh.Request, 1)}
	in, closed := make(chan gossh.NewChannel, 2), make(chan struct{})
	out := measured.forward(in, "alice", closed)
	in <- fake
	channel, requests, err := (<-out).Accept()
	if err != nil {
		t.Fatal(err)
	}
	fake.requests <- &gossh.Request{Type: "shell"}
	<-requests
	m.Want(t, sessions(1, 0))
	for range 2 {
		if err := channel.Close(); err != nil {
			t.Error(err)
		}
		m.Want(t, sessions(0, 0))
	}
	in <- &fakeChannel{kind: "session"}
	if err := (<-out).Reject(gossh.Prohibited, "no"); err != nil { // there is a place for it
		t.Error(err)
	}
	close(in)
	close(fake.requests)
	for range requests {
	}
	for range out {
	}
	m.Want(t, sessions(0, 0))
}

// TestDecidedTwice calls Accept and Reject again, which x/crypto refuses.
func TestDecidedTwice(t *testing.T) {
	m := instrumentstest.New(t)
	measured := New(m.Registry, Options{MaxSessions: 1})
	in := make(chan gossh.NewChannel, 1)
	out := measured.forward(in, "alice", make(chan struct{}))
	fake := &fakeChannel{kind: "session", requests: make(chan *gossh.Request)}
	in <- fake
	offered := <-out
	_, requests, err := offered.Accept()
	if err != nil {
		t.Fatal(err)
	}
	fake.requests <- &gossh.Request{Type: "shell"}
	<-requests
	if _, _, err := offered.Accept(); err == nil {
		t.Error("accepted twice")
	}
	if err := offered.Reject(gossh.Prohibited, ""); err == nil {
		t.Error("rejected after it was accepted")
	}
	m.Want(t, sessions(1, 0))
	close(fake.requests)
	for range requests {
	}
	m.Want(t, sessions(0, 0))
	close(in)
	<-out
}

func TestChannelKeepsItsMethods(t *testing.T) {
	s := serve(t, New(nil, Options{}).Handshake, newGate(t).config(), nil)
	client := s.dial(t, clientConfig("alice", gossh.Password("secret")))
	inner, _, err := client.OpenChannel("session", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := (&session{}).channel(inner).(extended); !ok {
		t.Error("the extended streams are gone")
	}
	if _, ok := (&session{}).channel(&fakeChannel{}).(extended); ok {
		t.Error("extended streams came from nowhere")
	}
}

func TestRefuseOfOtherChannels(t *testing.T) {
	if err := Refuse(&fakeChannel{}, &gossh.Request{Type: "shell"}); err != nil {
		t.Error(err)
	}
}

// fakeChannel is a channel whose client does what the test says.
type fakeChannel struct {
	gossh.Channel
	kind     string
	requests chan *gossh.Request
	failing  bool
	decided  bool
	rejected func() // called when the client is told so
}

func (f *fakeChannel) Accept() (gossh.Channel, <-chan *gossh.Request, error) {
	if f.decided || f.failing {
		return nil, nil, errors.New("no")
	}
	f.decided = true
	return f, f.requests, nil
}

func (f *fakeChannel) Reject(gossh.RejectionReason, string) error {
	if f.decided {
		return errors.New("no")
	}
	f.decided = true
	if f.rejected != nil {
		f.rejected()
	}
	return nil
}

func (f *fakeChannel) ChannelType() string { return f.kind }
func (f *fakeChannel) ExtraData() []byte   { return nil }
func (f *fakeChannel) Close() error        { return nil }

func TestRequestsKeepTheirOrder(t *testing.T) {
	s := serve(t, New(nil, Options{}).Handshake, newGate(t).config(), nil)
	session := open(t, s.dial(t, clientConfig("alice", gossh.Password("secret"))))
	const n = 200
	for i := range n {
		if _, err := session.SendRequest(fmt.Sprint(i), false, nil); err != nil {
			t.Fatal(err)
		}
	}
	for i := range n {
		if got := <-s.opened; got != fmt.Sprint(i) {
			t.Fatalf("got request %s, want %d", got, i)
		}
	}
}

func TestShellEchoes(t *testing.T) {
	m := instrumentstest.New(t)
	s := serve(t, New(m.Registry, Options{}).Handshake, newGate(t).config(), nil)
	session := open(t, s.dial(t, clientConfig("alice", gossh.Password("secret"))))
	var output strings.Builder
	session.Stdout, session.Stdin = &output, io.LimitReader(zeros{}, 1<<20)
	if err := session.RequestPty("xterm", 24, 80, modes); err != nil {
		t.Fatal(err)
	}
	if err := session.Shell(); err != nil {
		t.Fatal(err)
	}
	if err := session.Wait(); err != nil || output.String() != "hello\n" {
		t.Errorf("got %q, %v", output.String(), err)
	}
	<-s.ended
	m.Want(t, sessions(0, 0))
	if rx := m.Collect(t)["rx"]; rx < 1<<20 {
		t.Errorf("rx: got %v, want more than the 1 MiB sent", rx)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
