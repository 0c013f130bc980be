package tunnel_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/telltale-agent/telltale/instruments"
	"github.com/telltale-agent/telltale/instruments/instrumentstest"
	"github.com/telltale-agent/telltale/instruments/tunnel"
)

// proxy is an SSH server that agents open reverse tunnels to: users are called
// node/a, and what they listen on with tcpip-forward is reached through them.
type proxy struct {
	t        *testing.T
	listener net.Listener
	config   *ssh.ServerConfig
	tunnels  *tunnel.Inventory
	attempts *tunnel.Attempts
	beat     time.Duration // between keep-alives; 0 for none
	came     chan string
	left     chan error

	serving sync.WaitGroup
	mu      sync.Mutex // guards agents
	agents  map[string]*far
}

// far is the agent's end of a tunnel.
type far struct {
	conn    *ssh.ServerConn
	address forwarded
}

// forwarded is the payload of tcpip-forward.
type forwarded struct {
	Host string
	Port uint32
}

func newProxy(t *testing.T, reg *instruments.Registry, beat time.Duration) *proxy {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{
		t: t, config: &ssh.ServerConfig{NoClientAuth: true}, beat: beat,
		tunnels: tunnel.NewInventory(reg), attempts: tunnel.NewAttempts(reg),
		came: make(chan string, 1000), left: make(chan error, 1000), agents: make(map[string]*far),
	}
	p.config.AddHostKey(signer)
	if p.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	p.serving.Go(p.serve)
	t.Cleanup(p.close)
	return p
}

func (p *proxy) serve() {
	for {
		conn, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.serving.Go(func() { p.handle(conn) })
	}
}

func (p *proxy) close() {
	p.listener.Close()
	p.mu.Lock()
	for _, agent := range p.agents {
		agent.conn.Close()
	}
	p.mu.Unlock()
	p.serving.Wait()
}

// handle is how a proxy is wired.
func (p *proxy) handle(tcp net.Conn) {
	conn, channels, requests, err := ssh.NewServerConn(tcp, p.config)
	if err != nil {
		tcp.Close()
		return
	}
	p.serving.Go(func() {
		for channel := range channels {
			channel.Reject(ssh.UnknownChannelType, "agents open none")
		}
	})
	typ, id, _ := strings.Cut(conn.User(), "/")
	var lease *tunnel.Lease
	open := make(chan struct{})
	p.serving.Go(func() {
		for request := range requests {
			if request.Type != "tcpip-forward" {
				_ = request.Reply(false, nil)
				continue
			}
			agent := &far{conn: conn}
			if err := ssh.Unmarshal(request.Payload, &agent.address); err != nil {
				p.t.Error(err)
			}
			if lease, err = p.tunnels.Connected(instruments.TunnelType(typ), id); err != nil {
				p.t.Error(err)
			}
			p.mu.Lock()
			p.agents[id] = agent
			p.mu.Unlock()
			close(open)
			_ = request.Reply(true, nil)
			p.came <- id
		}
	})
	select {
	case <-open:
	case <-ended(conn):
		return
	}
	if p.beat > 0 {
		p.serving.Go(func() { _ = tunnel.KeepAlive(context.Background(), conn, p.beat) })
	}
	p.left <- lease.Hold(conn)
}

func ended(conn ssh.Conn) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = conn.Wait()
	}()
	return done
}

// reach sends a word through the tunnel to a node and back, as a user would.
func (p *proxy) reach(id string) error {
	return p.attempts.Do(func() error {
		p.mu.Lock()
		agent := p.agents[id]
		p.mu.Unlock()
		if agent == nil {
			return errors.New("no tunnel to " + id)
		}
		channel, requests, err := agent.conn.OpenChannel("forwarded-tcpip", ssh.Marshal(struct {
			Host     string
			Port     uint32
			FromHost string
			FromPort uint32
		}{agent.address.Host, agent.address.Port, "127.0.0.1", 40000}))
		if err != nil {
			return err
		}
		defer channel.Close()
		go ssh.DiscardRequests(requests)
		if _, err := channel.Write([]byte("word")); err != nil {
			return err
		}
		echo := make([]byte, 4)
		if _, err := io.ReadFull(channel, echo); err != nil || string(echo) != "word" {
			return fmt.Errorf("got %q: %w", echo, err)
		}
		return nil
	})
}

// agent is the other end: it dials the proxy and answers what comes through.
type agent struct {
	tcp     net.Conn
	client  *ssh.Client
	serving sync.WaitGroup
}

func dialAgent(user, addr string, pool *tunnel.Proxies, leaf *tunnel.ClusterTunnel) (*agent, error) {
	tcp, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	conn, channels, requests, err := ssh.NewClientConn(tcp, addr, &ssh.ClientConfig{
		User: user, HostKeyCallback: ssh.InsecureIgnoreHostKey(),
	})
	if err != nil {
		tcp.Close()
		return nil, err
	}
	a := &agent{tcp: tcp, client: ssh.NewClient(conn, channels, requests)}
	listener, err := a.client.ListenTCP(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 3022})
	if err != nil {
		a.client.Close()
		return nil, err
	}
	lease := pool.Connected("proxy")
	leaf.Set(tunnel.Connected)
	a.serving.Go(func() { _ = lease.Hold(conn) })
	a.serving.Go(func() { _ = leaf.Hold(conn) })
	a.serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			a.serving.Go(func() {
				defer conn.Close()
				_, _ = io.Copy(conn, conn)
			})
		}
	})
	return a, nil
}

// cut takes the TCP connection away from under the tunnel.
func (a *agent) cut() {
	a.tcp.Close()
	a.serving.Wait()
}

func TestSSHTunnelCutAndRestored(t *testing.T) {
	e := instrumentstest.New(t)
	p := newProxy(t, e.Registry, 0)
	pool, clusters := tunnel.NewProxies(e.Registry), tunnel.NewClusters(e.Registry)
	defer clusters.Close()
	leaf := clusters.Open("leaf", tunnel.Connecting)
	defer leaf.Close()
	p.tunnels.SetExpected([]string{"a", "b"})
	e.WantShown(t, map[string]float64{nodes: 0, missing: 2, proxies: 0, "trusted_clusters{leaf,connecting}": 1})
	if p.reach("a") == nil {
		t.Error("reached a node without a tunnel")
	}
	for round := range 3 {
		a, err := dialAgent("node/a", p.listener.Addr().String(), pool, leaf)
		if err != nil {
			t.Fatal(err)
		}
		<-p.came
		if err := p.reach("a"); err != nil {
			t.Error(err)
		}
		e.WantShown(t, map[string]float64{nodes: 1, missing: 1, proxies: 1, attempts: float64(2*round + 2), failures: float64(round + 1)})
		a.cut()
		if <-p.left == nil {
			t.Error("a tunnel that was cut ended without an error")
		}
		if p.reach("a") == nil {
			t.Error("reached a node through a tunnel that was cut")
		}
		e.WantShown(t, map[string]float64{
			nodes: 0, missing: 2, proxies: 0, "trusted_clusters{leaf,disconnected}": 1,
			attempts: float64(2*round + 3), failures: float64(round + 2),
		})
	}
}

// A relay that swallows everything, and closes nothing, is what a cable that
// was pulled looks like.
func TestSSHTunnelHalfOpen(t *testing.T) {
	const beat = 400 * time.Millisecond // what a busy machine can keep
	e := instrumentstest.New(t)
	p := newProxy(t, e.Registry, beat)
	p.tunnels.Expect("a")
	r := newRelay(t, p.listener.Addr().String())
	pool, clusters := tunnel.NewProxies(e.Registry), tunnel.NewClusters(e.Registry)
	defer clusters.Close()
	leaf := clusters.Open("leaf", tunnel.Connecting)
	defer leaf.Close()
	a, err := dialAgent("node/a", r.listener.Addr().String(), pool, leaf)
	if err != nil {
		t.Fatal(err)
	}
	defer a.cut()
	<-p.came
	if err := p.reach("a"); err != nil {
		t.Error(err)
	}
	r.swallow()
	<-p.left // nothing but the keep-alive can notice
	e.WantShown(t, map[string]float64{nodes: 0, missing: 1, proxies: 1})
	if err := tunnel.KeepAlive(t.Context(), a.client, beat); !errors.Is(err, tunnel.ErrSilent) {
		t.Errorf("the agent's end: got %v, want %v", err, tunnel.ErrSilent)
	}
	a.serving.Wait()
	e.WantShown(t, map[string]float64{proxies: 0, "trusted_clusters{leaf,disconnected}": 1})

	again, err := dialAgent("node/a", p.listener.Addr().String(), pool, leaf)
	if err != nil {
		t.Fatal(err)
	}
	defer again.cut()
	<-p.came
	e.WantShown(t, map[string]float64{nodes: 1, missing: 0, proxies: 1, "trusted_clusters{leaf,connected}": 1})
}

// relay passes bytes on between two TCP connections until it swallows them.
type relay struct {
	listener net.Listener
	target   string
	copying  sync.WaitGroup
	mu       sync.Mutex // guards conns and deaf
	conns    []net.Conn
	deaf     bool
}

func newRelay(t *testing.T, target string) *relay {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{listener: listener, target: target}
	r.copying.Go(func() {
		from, err := listener.Accept()
		if err != nil {
			return
		}
		to, err := net.Dial("tcp", target)
		if err != nil {
			t.Error(err)
			return
		}
		r.mu.Lock()
		r.conns = []net.Conn{from, to}
		r.mu.Unlock()
		r.copying.Go(func() { _, _ = io.Copy(r.from(to), from) })
		r.copying.Go(func() { _, _ = io.Copy(r.from(from), to) })
	})
	t.Cleanup(func() {
		listener.Close()
		r.mu.Lock()
		for _, conn := range r.conns {
			conn.Close()
		}
		r.mu.Unlock()
		r.copying.Wait()
	})
	return r
}

func (r *relay) swallow() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.deaf = true
}

// from is conn as far as the relay is not deaf.
func (r *relay) from(conn net.Conn) io.Writer { return relayed{r, conn} }

type relayed struct {
	relay *relay
	conn  net.Conn
}

func (w relayed) Write(b []byte) (int, error) {
	w.relay.mu.Lock()
	deaf := w.relay.deaf
	w.relay.mu.Unlock()
	if deaf {
		return len(b), nil
	}
	return w.conn.Write(b)
}

func TestManySSHTunnelsAtOnce(t *testing.T) {
	e := instrumentstest.New(t)
	p := newProxy(t, e.Registry, 0)
	pool, clusters := tunnel.NewProxies(e.Registry), tunnel.NewClusters(e.Registry)
	defer clusters.Close()
	const many = 60
	types := []instruments.TunnelType{instruments.TunnelNode, instruments.TunnelApp}
	var agents [many]*agent
	var dialing sync.WaitGroup
	for i := range many {
		p.tunnels.Expect(fmt.Sprint(i))
		dialing.Go(func() {
			leaf := clusters.Open("leaf", tunnel.Connecting)
			a, err := dialAgent(fmt.Sprintf("%s/%d", types[i%2], i), p.listener.Addr().String(), pool, leaf)
			if err != nil {
				t.Error(err)
				leaf.Close()
				return
			}
			agents[i] = a
			<-p.came
		})
	}
	dialing.Wait()
	if t.Failed() {
		t.FailNow()
	}
	e.WantShown(t, map[string]float64{
		nodes: many / 2, apps: many / 2, missing: many / 2, proxies: 1, "trusted_clusters{leaf,connected}": many,
	})
	for i, a := range agents {
		dialing.Go(func() {
			if err := p.reach(fmt.Sprint(i)); err != nil {
				t.Error(err)
			}
			if i%3 == 0 {
				a.client.Close()
			}
			a.cut()
			<-p.left
		})
	}
	dialing.Wait()
	e.WantShown(t, map[string]float64{
		nodes: 0, apps: 0, missing: many, proxies: 0, "trusted_clusters{leaf,disconnected}": many,
		attempts: many, failures: 0,
	})
}
