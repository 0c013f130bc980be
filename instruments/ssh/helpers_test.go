package ssh

import (
	"crypto/ed25519"
	"crypto/rand"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"
)

func logins(in, failed, certificate float64) map[string]float64 {
	return map[string]float64{
		"user_login_total":            in,
		"failed_login_attempts_total": failed,
		"certificate_mismatch_total":  certificate,
	}
}

func newSigner(t testing.TB) gossh.Signer {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := gossh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

// certificate returns a key with a certificate for alice that is valid now,
// unless change makes it another before the authority signs it.
func certificate(t testing.TB, authority gossh.Signer, change func(*gossh.Certificate)) gossh.Signer {
	t.Helper()
	return certify(t, newSigner(t), authority, change)
}

func certify(t testing.TB, key, authority gossh.Signer, change func(*gossh.Certificate)) gossh.Signer {
	t.Helper()
	c := &gossh.Certificate{
		Key:             key.PublicKey(),
		CertType:        gossh.UserCert,
		Serial:          1,
		KeyId:           "alice",
		ValidPrincipals: []string{"alice"},
		ValidAfter:      uint64(time.Now().Add(-time.Hour).Unix()),
		ValidBefore:     uint64(time.Now().Add(time.Hour).Unix()),
	}
	if change != nil {
		change(c)
	}
	if err := c.SignCert(rand.Reader, authority); err != nil {
		t.Fatal(err)
	}
	signer, err := gossh.NewCertSigner(c, key)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

// serving is an SSH server under test.
type serving struct {
	addr string
	// handshakes has what each Handshake returned, after it was recorded.
	handshakes chan error
	// opened has a value for each request handled, ended one for each session
	// whose requests came to their end.
	opened, ended chan string
	conns         chan *gossh.ServerConn
}

type handshakeFunc func(net.Conn, *gossh.ServerConfig) (*gossh.ServerConn, <-chan gossh.NewChannel, <-chan *gossh.Request, error)

// serve runs a server until the test ends, and then waits for its goroutines.
func serve(t testing.TB, handshake handshakeFunc, config *gossh.ServerConfig, wrap func(net.Listener) net.Listener) *serving {
	t.Helper()
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &serving{
		addr:       tcp.Addr().String(),
		handshakes: make(chan error, 1000),
		opened:     make(chan string, 1000),
		ended:      make(chan string, 1000),
		conns:      make(chan *gossh.ServerConn, 1000),
	}
	listener := net.Listener(tcp)
	if wrap != nil {
		listener = wrap(tcp)
	}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() { s.connection(conn, handshake, config) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		running.Wait()
	})
	return s
}

func (s *serving) connection(conn net.Conn, handshake handshakeFunc, config *gossh.ServerConfig) {
	server, channels, requests, err := handshake(conn, config)
	s.handshakes <- err
	if err != nil {
		return
	}
	s.conns <- server
	var running sync.WaitGroup
	defer running.Wait()
	running.Go(func() { gossh.DiscardRequests(requests) })
	for c := range channels {
		switch c.ChannelType() {
		case "session":
			running.Go(func() { s.session(c) })
		default:
			_ = c.Reject(gossh.UnknownChannelType, c.ChannelType())
		}
	}
}

// session answers what it is asked for: "exec refuse-pty" never comes, since
// environment variables say what to refuse.
func (s *serving) session(c gossh.NewChannel) {
	channel, requests, err := c.Accept()
	if err != nil {
		return
	}
	var running sync.WaitGroup
	defer running.Wait()
	refuse := make(map[string]bool)
	for r := range requests {
		if r.Type == "env" {
			var variable struct{ Name, Value string }
			_ = gossh.Unmarshal(r.Payload, &variable)
			refuse[variable.Value] = variable.Name == "REFUSE"
		}
		if refuse[r.Type] {
			_ = Refuse(channel, r)
			s.opened <- r.Type
			continue
		}
		_ = r.Reply(true, nil)
		s.opened <- r.Type
		if r.Type == "shell" || r.Type == "exec" {
			running.Go(func() { runCommand(channel, r) })
		}
	}
	s.ended <- "session"
}

// runCommand reads all that the client sends, says hello, and ends the session.
func runCommand(channel gossh.Channel, r *gossh.Request) {
	if r.Type == "shell" {
		_, _ = io.Copy(io.Discard, channel)
	}
	_, _ = io.WriteString(channel, "hello\n")
	_, _ = channel.SendRequest("exit-status", false, gossh.Marshal(struct{ Status uint32 }{0}))
	_ = channel.Close()
}

func clientConfig(user string, auth ...gossh.AuthMethod) *gossh.ClientConfig {
	return &gossh.ClientConfig{User: user, Auth: auth, HostKeyCallback: gossh.InsecureIgnoreHostKey()}
}

func (s *serving) dial(t testing.TB, config *gossh.ClientConfig) *gossh.Client {
	t.Helper()
	client, err := gossh.Dial("tcp", s.addr, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

// open opens a session and closes it when the test ends.
func open(t testing.TB, client *gossh.Client) *gossh.Session {
	t.Helper()
	session, err := client.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { session.Close() })
	return session
}
