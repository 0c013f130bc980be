package ssh

import (
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	gossh "golang.org/x/crypto/ssh"

	"github.com/telltale-agent/telltale/instruments/instrumentstest"
)

func TestSessionLimit(t *testing.T) {
	m := instrumentstest.New(t)
	s := serve(t, New(m.Registry, Options{MaxSessions: 2}).Handshake, newGate(t).config(), nil)
	secret := gossh.Password("secret")
	first, second := s.dial(t, clientConfig("alice", secret)), s.dial(t, clientConfig("alice", secret))
	bob := s.dial(t, clientConfig("bob", secret))

	shell := open(t, first)
	ask(t, shell, s, "shell", nil, true)
	ask(t, open(t, second), s, "shell", nil, true)
	_, err := second.NewSession()
	var refused *gossh.OpenChannelError
	if !errors.As(err, &refused) || refused.Reason != gossh.ResourceShortage {
		t.Errorf("third session of a user: got %v, want a shortage", err)
	}
	m.Want(t, sessions(2, 1))

	ask(t, open(t, bob), s, "shell", nil, true)
	m.Want(t, sessions(3, 1))

	// What is no session is not limited.
	_, _, err = second.OpenChannel("direct-tcpip", nil)
	if !errors.As(err, &refused) || refused.Reason != gossh.UnknownChannelType {
		t.Errorf("other channel: got %v, want the server's own refusal", err)
	}

	shell.Close()
	<-s.ended
	ask(t, open(t, second), s, "shell", nil, true)
	m.Want(t, sessions(3, 1))
}

// TestSessionLimitByIdentity counts people who share a login name apart.
func TestSessionLimitByIdentity(t *testing.T) {
	g := newGate(t)
	m := instrumentstest.New(t)
	config := g.config()
	identify := config.PublicKeyCallback
	config.PublicKeyCallback = func(conn gossh.ConnMetadata, key gossh.PublicKey) (*gossh.Permissions, error) {
		if _, err := identify(conn, key); err != nil {
			return nil, err
		}
		return &gossh.Permissions{Extensions: map[string]string{"id": key.(*gossh.Certificate).KeyId}}, nil
	}
	byIdentity := Options{MaxSessions: 1, User: func(c *gossh.ServerConn) string { return c.Permissions.Extensions["id"] }}
	s := serve(t, New(m.Registry, byIdentity).Handshake, config, nil)
	for _, id := range []string{"one", "two"} {
		named := certificate(t, g.authority, func(c *gossh.Certificate) { c.KeyId = id })
		client := s.dial(t, clientConfig("alice", gossh.PublicKeys(named)))
		open(t, client)
		if _, err := client.NewSession(); err == nil {
			t.Errorf("%s got a second session", id)
		}
	}
	m.Want(t, sessions(0, 2))
}

// TestSessionsOneAfterTheOther opens each session as soon as the client knows
// that the one before has ended. There are never two, so that one may be allowed.
func TestSessionsOneAfterTheOther(t *testing.T) {
	rows := []struct {
		name string
		use  func(*gossh.Session)
	}{
		{"client closes", func(s *gossh.Session) { s.Close() }},
		{"client closes a shell", func(s *gossh.Session) { _ = s.Shell(); s.Close() }},
		{"server closes", func(s *gossh.Session) { _, _ = s.Output("date") }},
	}
	g := newGate(t)
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			m := instrumentstest.New(t)
			s := serve(t, New(m.Registry, Options{MaxSessions: 1}).Handshake, g.config(), nil)
			client := s.dial(t, clientConfig("alice", gossh.Password("secret")))
			for i := range 300 {
				session, err := client.NewSession()
				if err != nil {
					t.Fatalf("session %d: %v", i, err)
				}
				row.use(session)
			}
			m.Want(t, map[string]float64{"user_max_concurrent_sessions_hit_total": 0})
		})
	}
	t.Run("server rejects", func(t *testing.T) {
		in := make(chan gossh.NewChannel, 1)
		measured := New(nil, Options{MaxSessions: 1})
		out := measured.forward(in, "alice", make(chan struct{}))
		told := 0
		in <- &fakeChannel{kind: "session", rejected: func() { told = measured.users.of("alice") }}
		if err := (<-out).Reject(gossh.Prohibited, "no"); err != nil || told != 0 {
			t.Errorf("got %v, and %d places taken when the client is told, want none", err, told)
		}
		close(in)
		<-out
	})
}

// TestSessionLimitWithRequestsNobodyReads has the limit reached by a session
// whose program is stuck: the next one is refused, and nobody waits for it.
func TestSessionLimitWithRequestsNobodyReads(t *testing.T) {
	m := instrumentstest.New(t)
	in, closed := make(chan gossh.NewChannel), make(chan struct{})
	out := New(m.Registry, Options{MaxSessions: 1}).forward(in, "alice", closed)
	stuck := &fakeChannel{kind: "session", requests: make(chan *gossh.Request)}
	in <- stuck
	_, requests, err := (<-out).Accept()
	if err != nil {
		t.Fatal(err)
	}
	for range backlog + 1 {
		stuck.requests <- &gossh.Request{Type: "shell"}
	}
	in <- &fakeChannel{kind: "session"}
	in <- &fakeChannel{kind: "other"} // comes out after the refusal
	<-out
	m.Want(t, sessions(1, 1))
	close(closed)
	close(stuck.requests)
	close(in)
	for range requests {
	}
	<-out
	m.Want(t, sessions(0, 1))
}

// TestManySessions opens and closes far more sessions than are allowed, over
// several connections at once.
func TestManySessions(t *testing.T) {
	m := instrumentstest.New(t)
	const limit, connections, each = 4, 4, 50
	measured := New(m.Registry, Options{MaxSessions: limit})
	s := serve(t, measured.Handshake, newGate(t).config(), nil)
	var refused atomic.Int64
	var working sync.WaitGroup
	for range connections {
		client := s.dial(t, clientConfig("alice", gossh.Password("secret")))
		for range 2 {
			working.Go(func() {
				for range each {
					session, err := client.NewSession()
					if err != nil {
						refused.Add(1)
						continue
					}
					_ = session.Shell()
					session.Close()
				}
			})
		}
	}
	over := make(chan struct{})
	go func() { working.Wait(); close(over) }()
	for running := true; running; {
		select {
		case <-over:
			running = false
		case <-s.opened:
		case <-s.ended:
		}
		if got := m.Collect(t)["server_interactive_sessions_total"]; got < 0 || got > limit {
			t.Fatalf("%v sessions, want at most %d", got, limit)
		}
	}
	for measured.users.of("alice") != 0 {
		runtime.Gosched()
	}
	m.Want(t, sessions(0, float64(refused.Load())))
}
