package ssh

import (
	"errors"
	"net"
	"runtime"
	"slices"
	"sync"
	"testing"

	gossh "golang.org/x/crypto/ssh"

	"github.com/telltale-agent/telltale/instruments"
	"github.com/telltale-agent/telltale/instruments/instrumentstest"
)

func TestConfigStaysTheCallers(t *testing.T) {
	g := newGate(t)
	config := g.config()
	config.PasswordCallback = nil
	m := instrumentstest.New(t)
	s := serve(t, New(m.Registry, Options{}).Handshake, config, nil)
	s.dial(t, clientConfig("alice", gossh.PublicKeys(g.known)))
	if config.AuthLogCallback != nil || config.PasswordCallback != nil || config.VerifiedPublicKeyCallback != nil ||
		config.NoClientAuthCallback != nil || config.GSSAPIWithMICConfig != nil {
		t.Error("a callback was added to the caller's configuration")
	}
}

// TestCallbacksSeeTheSame runs the same login bare and measured, and compares
// what the callbacks and the caller get.
func TestCallbacksSeeTheSame(t *testing.T) {
	g := newGate(t)
	// Shared by all handshakes, as in a server that builds it once.
	second := &gossh.PartialSuccessError{Next: gossh.ServerAuthCallbacks{
		KeyboardInteractiveCallback: g.config().KeyboardInteractiveCallback,
	}}
	type seen struct {
		log    []string
		errs   []error
		banner bool
		early  bool
	}
	run := func(t *testing.T, handshake handshakeFunc) (seen, error) {
		var got seen
		config := g.config()
		config.PasswordCallback = func(gossh.ConnMetadata, []byte) (*gossh.Permissions, error) { return nil, second }
		config.AuthLogCallback = func(conn gossh.ConnMetadata, method string, err error) {
			got.log = append(got.log, conn.User()+" "+method)
			got.errs = append(got.errs, err)
		}
		config.BannerCallback = func(gossh.ConnMetadata) string { got.banner = true; return "welcome" }
		config.PreAuthConnCallback = func(gossh.ServerPreAuthConn) { got.early = true }
		config.MaxAuthTries = 3
		s := serve(t, handshake, config, nil)
		_, err := gossh.Dial("tcp", s.addr, clientConfig("alice",
			gossh.PublicKeys(g.unknown), gossh.Password("x"), gossh.RetryableAuthMethod(answer("guess"), 5)))
		if err == nil {
			t.Fatal("got in")
		}
		err = <-s.handshakes
		return got, err
	}
	bare, bareErr := run(t, gossh.NewServerConn)
	measured, measuredErr := run(t, New(instrumentstest.New(t).Registry, Options{}).Handshake)
	if !slices.Equal(bare.log, measured.log) || bare.banner != measured.banner || bare.early != measured.early {
		t.Errorf("callbacks: got %+v, want %+v", measured, bare)
	}
	if !slices.Equal(bare.errs, measured.errs) || !slices.Contains(measured.errs, error(second)) {
		t.Errorf("errors logged: got %v, want %v", measured.errs, bare.errs)
	}
	var want, got *gossh.ServerAuthError
	if !errors.As(bareErr, &want) || !errors.As(measuredErr, &got) {
		t.Fatalf("got %T, want %T", measuredErr, bareErr)
	}
	if got.Error() != want.Error() || !slices.Contains(got.Errors, error(second)) {
		t.Errorf("error: got %v, want %v", got, want)
	}
}

func TestPermissionsArrive(t *testing.T) {
	g := newGate(t)
	config := g.config()
	granted := &gossh.Permissions{Extensions: map[string]string{"role": "admin"}}
	config.PasswordCallback = func(gossh.ConnMetadata, []byte) (*gossh.Permissions, error) { return granted, nil }
	s := serve(t, New(nil, Options{}).Handshake, config, nil)
	s.dial(t, clientConfig("alice", gossh.Password("x")))
	if conn := <-s.conns; conn.Permissions != granted {
		t.Errorf("got %v, want the callback's own", conn.Permissions)
	}
}

// endings are ways of a callback not to return.
var endings = map[string]func(){
	"panic":  func() { panic(errWrong) },
	"goexit": runtime.Goexit,
}

func TestCallbackThatDoesNotReturn(t *testing.T) {
	g := newGate(t)
	for name, end := range endings {
		t.Run(name, func(t *testing.T) {
			m := instrumentstest.New(t)
			config := g.config()
			config.PasswordCallback = func(gossh.ConnMetadata, []byte) (*gossh.Permissions, error) {
				end()
				return nil, nil
			}
			measured := New(m.Registry, Options{})
			client, server := pipe(t)
			recovered := make(chan any, 1)
			go func() {
				defer func() {
					recovered <- recover()
					server.Close()
				}()
				_, _, _, _ = measured.Handshake(server, config)
			}()
			_, _, _, err := gossh.NewClientConn(client, "", clientConfig("alice", gossh.Password("x")))
			if err == nil {
				t.Error("the client got in")
			}
			if got := <-recovered; name == "panic" && got != error(errWrong) {
				t.Errorf("recovered %v, want the callback's own panic", got)
			}
			m.Want(t, logins(0, 1, 0))
		})
	}
}

// pipe returns both ends of a connection over loopback.
func pipe(t testing.TB) (client, server net.Conn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if client, err = net.Dial("tcp", listener.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if server, err = listener.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); server.Close() })
	return client, server
}

func TestWithoutRegistry(t *testing.T) {
	closed := instrumentstest.New(t)
	closed.Registry.Close()
	for name, registry := range map[string]*instruments.Registry{"nil": nil, "closed": closed.Registry} {
		t.Run(name, func(t *testing.T) {
			g := newGate(t)
			measured := New(registry, Options{MaxSessions: 1})
			s := serve(t, measured.Handshake, g.config(), func(l net.Listener) net.Listener { return measured.Listener(l, 1) })
			client := s.dial(t, clientConfig("alice", gossh.Password("secret")))
			output, err := open(t, client).Output("x")
			if err != nil || string(output) != "hello\n" {
				t.Errorf("got %q, %v", output, err)
			}
		})
	}
}

func TestManyLogins(t *testing.T) {
	g := newGate(t)
	m := instrumentstest.New(t)
	s := serve(t, New(m.Registry, Options{}).Handshake, g.config(), nil)
	expired := certificate(t, g.authority, func(c *gossh.Certificate) { c.ValidBefore = c.ValidAfter })
	ways := []gossh.AuthMethod{gossh.PublicKeys(g.known), gossh.PublicKeys(expired), gossh.Password("guess")}

	const each = 12
	var clients sync.WaitGroup
	for _, way := range ways {
		for range each {
			clients.Go(func() {
				if client, err := gossh.Dial("tcp", s.addr, clientConfig("alice", way)); err == nil {
					client.Close()
				}
			})
		}
	}
	for range each * len(ways) {
		<-s.handshakes
		got := m.Collect(t)
		if got["certificate_mismatch_total"] > got["failed_login_attempts_total"] {
			t.Errorf("%v mismatches among %v failures", got["certificate_mismatch_total"], got["failed_login_attempts_total"])
		}
	}
	clients.Wait()
	m.Want(t, logins(each, 2*each, each))
}
