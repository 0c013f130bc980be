package main

import (
	"context"
	"crypto/rand"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	gossh "golang.org/x/crypto/ssh"
)

// wire counts the bytes that clients of SSH servers send and receive, which
// is what the servers must have received and sent.
type wire struct {
	sent, received atomic.Int64

	mu    sync.Mutex // guards the fields below
	cut   bool
	conns []net.Conn // of the tunnels
}

// conn counts what goes over a client's connection.
func (w *wire) conn(c net.Conn) net.Conn { return &wireConn{c, w} }

type wireConn struct {
	net.Conn
	wire *wire
}

func (c *wireConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.wire.received.Add(int64(n))
	return n, err
}

func (c *wireConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.wire.sent.Add(int64(n))
	return n, err
}

// dial is how users get to the proxy.
func (w *wire) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return w.conn(c), nil
}

// dialTunnel is how services get to the proxy, unless the line is cut.
func (w *wire) dialTunnel(ctx context.Context, network, addr string) (net.Conn, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cut {
		return nil, net.ErrClosed
	}
	c, err := w.dial(ctx, network, addr)
	if err == nil {
		w.conns = append(w.conns, c)
	}
	return c, err
}

func (w *wire) setCut(cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = cut
	if cut {
		for _, c := range w.conns {
			c.Close()
		}
		w.conns = nil
	}
}

// slowSigner is a key in a hardware module, which takes its time while it is
// held.
type slowSigner struct {
	gossh.Signer
	signing atomic.Int32 // how many wait

	mu   sync.Mutex // guards held
	held chan struct{}
}

func (s *slowSigner) hold() (release func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	held := make(chan struct{})
	s.held = held
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.held = nil
		close(held)
	}
}

func (s *slowSigner) Sign(random io.Reader, data []byte) (*gossh.Signature, error) {
	s.mu.Lock()
	held := s.held
	s.mu.Unlock()
	if held != nil {
		s.signing.Add(1)
		<-held
		s.signing.Add(-1)
	}
	return s.Signer.Sign(random, data)
}

// watched is what a client of etcd without any measurement sees: the sizes of
// events by kind.
type watched struct {
	mu    sync.Mutex // guards sizes
	sizes map[string][]float64
}

func watchEtcd(t *testing.T, addr string) *watched {
	t.Helper()
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{addr}, DialTimeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	w := &watched{sizes: make(map[string][]float64)}
	answers := client.Watch(context.Background(), keyPrefix, clientv3.WithPrefix(), clientv3.WithCreatedNotify())
	<-answers
	var watching sync.WaitGroup
	watching.Go(func() {
		for answer := range answers {
			w.mu.Lock()
			for _, event := range answer.Events {
				kind, _, _ := strings.Cut(strings.TrimPrefix(string(event.Kv.Key), keyPrefix), "/")
				w.sizes[kind] = append(w.sizes[kind], float64((*mvccpb.Event)(event).Size()))
			}
			w.mu.Unlock()
		}
	})
	t.Cleanup(func() {
		client.Close()
		watching.Wait()
	})
	return w
}

// all are the sizes of the events about one kind, or about all kinds.
func (w *watched) all(kind string) []float64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	var sizes []float64
	for k, s := range w.sizes {
		if kind == "" || k == kind {
			sizes = append(sizes, s...)
		}
	}
	return sizes
}

// certify makes a key of a user with a certificate that the given authority
// signs, without asking the plane.
func certify(t *testing.T, authority gossh.Signer, principal string, until time.Time) gossh.Signer {
	t.Helper()
	key := mustKey(t)
	certificate := &gossh.Certificate{
		Key:             key.PublicKey(),
		CertType:        gossh.UserCert,
		KeyId:           principal,
		ValidPrincipals: []string{principal},
		ValidAfter:      uint64(until.Add(-time.Hour).Unix()),
		ValidBefore:     uint64(until.Unix()),
	}
	if err := certificate.SignCert(rand.Reader, authority); err != nil {
		t.Fatal(err)
	}
	signer, err := gossh.NewCertSigner(certificate, key)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

func mustKey(t *testing.T) gossh.Signer {
	t.Helper()
	key, err := newKey()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// rig is a plane under test with its observers.
type rig struct {
	*Plane
	wire      *wire
	signer    *slowSigner
	watched   *watched
	scraper   *scraper
	collector *collector
}

// request calls the API of the auth service, and wants the given status.
func (r *rig) request(t *testing.T, method, path, body string, want int) {
	t.Helper()
	request, err := http.NewRequest(method, "http://"+r.apiAddr+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, _ := io.ReadAll(response.Body)
	if response.StatusCode != want {
		t.Fatalf("%s %s: %s: %s, want %d", method, path, response.Status, answer, want)
	}
}

// enter logs a user in at the proxy.
func (r *rig) enter(t *testing.T, key gossh.Signer) *gossh.Client {
	t.Helper()
	client, err := r.login(t.Context(), r.wire.dial, r.proxy.users.Addr().String(), "proxy", "alice", key)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// fail tries the same, and wants it to be refused.
func (r *rig) fail(t *testing.T, key gossh.Signer) {
	t.Helper()
	client, err := r.login(t.Context(), r.wire.dial, r.proxy.users.Addr().String(), "proxy", "alice", key)
	if err == nil {
		client.Close()
		t.Fatal("the login was not refused")
	}
}

// node logs a user in at the node behind the proxy.
func (r *rig) node(t *testing.T, proxy *gossh.Client, key gossh.Signer) (*gossh.Client, error) {
	t.Helper()
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := proxy.DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return r.wire.conn(c), nil
	}
	return r.login(t.Context(), dial, "node-1:22", "node-1", "alice", key)
}

// shell is an interactive session that lasts until its input is closed.
type shell struct {
	*gossh.Session
	stdin io.WriteCloser
}

func openShell(t *testing.T, client *gossh.Client, terminal bool) shell {
	t.Helper()
	session, err := client.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	stdin, err := session.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if terminal {
		if err := session.RequestPty("xterm", 24, 80, gossh.TerminalModes{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := session.Shell(); err != nil {
		t.Fatal(err)
	}
	return shell{session, stdin}
}

func (s shell) leave(t *testing.T) {
	t.Helper()
	if _, err := io.WriteString(s.stdin, "bye\n"); err != nil {
		t.Fatal(err)
	}
	s.stdin.Close()
	if err := s.Wait(); err != nil {
		t.Fatalf("session: %v", err)
	}
}
