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
