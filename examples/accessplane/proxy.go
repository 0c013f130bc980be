package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"github.com/telltale-agent/telltale/instruments"
	"github.com/telltale-agent/telltale/instruments/ssh"
	"github.com/telltale-agent/telltale/instruments/tunnel"
)

// proxy has two sides. Users log in at one, and ask for connections to nodes
// (ssh -J does). Nodes and other services open reverse tunnels at the other;
// through these the users get to them.
type proxy struct {
	ctx     context.Context // ends with the proxy
	stop    context.CancelFunc
	users   net.Listener
	agents  net.Listener
	config  *gossh.ServerConfig // for users
	tunnelC *gossh.ServerConfig // for agents
	measure *ssh.Server

	attempts *tunnel.Attempts
	tunnels  *tunnel.Inventory
	resolve  func(ctx context.Context, cluster string) (string, error) // the id of the service that the cluster's tunnel comes from
	audit    *auditLog
	logger   *slog.Logger

	serving sync.WaitGroup
	mu      sync.Mutex // guards the fields below
	far     map[string]*gossh.ServerConn
	conns   map[net.Conn]struct{}
	closed  bool
}

type proxyOptions struct {
	registry       *instruments.Registry
	authority      *authority
	audit          *auditLog
	maxConnections int // of users
	resolve        func(ctx context.Context, cluster string) (string, error)
	logger         *slog.Logger
}

func newProxy(o proxyOptions) (*proxy, error) {
	host, err := o.authority.HostKey("proxy")
	if err != nil {
		return nil, err
	}
	p := &proxy{
		config:   &gossh.ServerConfig{PublicKeyCallback: o.authority.Users().Authenticate},
		tunnelC:  &gossh.ServerConfig{PublicKeyCallback: o.authority.Services().Authenticate},
		measure:  ssh.New(o.registry, ssh.Options{}),
		attempts: tunnel.NewAttempts(o.registry),
		tunnels:  tunnel.NewInventory(o.registry),
		resolve:  o.resolve,
		audit:    o.audit,
		logger:   o.logger,
		far:      make(map[string]*gossh.ServerConn),
		conns:    make(map[net.Conn]struct{}),
	}
	p.ctx, p.stop = context.WithCancel(context.Background())
	p.config.AddHostKey(host)
	p.tunnelC.AddHostKey(host)
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p.users = p.measure.Listener(tcp, o.maxConnections) // refuses what is above the limit
	if p.agents, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		tcp.Close()
		return nil, err
	}
	p.serving.Go(func() { p.accept(p.users, p.serveUser) })
	p.serving.Go(func() { p.accept(p.agents, p.serveAgent) })
	return p, nil
}

func (p *proxy) accept(listener net.Listener, serve func(net.Conn)) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		if !p.keep(conn) {
			conn.Close()
			return
		}
		p.serving.Go(func() {
			defer p.drop(conn)
			serve(conn)
		})
	}
}

// keep remembers a connection for Close. It reports whether the proxy serves.
func (p *proxy) keep(conn net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.conns[conn] = struct{}{}
	}
	return !p.closed
}

func (p *proxy) drop(conn net.Conn) {
	conn.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, conn)
}

// Close ends all connections and returns when nothing is left of them.
func (p *proxy) Close() {
	p.stop()
	p.users.Close()
	p.agents.Close()
	p.mu.Lock()
	p.closed = true
	for conn := range p.conns {
		conn.Close()
	}
	p.mu.Unlock()
	p.serving.Wait()
	p.tunnels.SetExpected(nil)
}

// serveUser lets a user in and makes the connections that are asked for.
func (p *proxy) serveUser(conn net.Conn) {
	server, channels, requests, err := p.measure.Handshake(conn, p.config) // in place of gossh.NewServerConn
	if err != nil {
		_ = p.audit.Emit(p.ctx, auditEvent{Type: eventLoginFailed, Node: "proxy", Detail: err.Error()}) // counted if it is lost
		return
	}
	_ = p.audit.Emit(p.ctx, auditEvent{Type: eventLogin, User: server.User(), Node: "proxy"})
	go gossh.DiscardRequests(requests)
	var forwarding sync.WaitGroup
	defer forwarding.Wait()
	for channel := range channels {
		forwarding.Go(func() { p.forward(channel) })
	}
}

// direct is the payload of direct-tcpip and of forwarded-tcpip channels.
type direct struct {
	Host       string
	Port       uint32
	OriginHost string
	OriginPort uint32
}

// forward serves one channel of a user.
func (p *proxy) forward(offered gossh.NewChannel) {
	var to direct
	if offered.ChannelType() != "direct-tcpip" || gossh.Unmarshal(offered.ExtraData(), &to) != nil {
		_ = offered.Reject(gossh.UnknownChannelType, "only connections to nodes")
		return
	}
	var far gossh.Channel
	err := p.attempts.Do(func() (err error) { // counts the attempt, and the failure
		far, err = p.reach(to.Host)
		return err
	})
	if err != nil {
		_ = offered.Reject(gossh.ConnectionFailed, err.Error())
		return
	}
	defer far.Close()
	near, requests, err := offered.Accept()
	if err != nil {
		return
	}
	defer near.Close()
	go gossh.DiscardRequests(requests)
	join(near, far)
}

// reach opens a connection through the tunnel of a node, which may be named
// with its cluster: node.cluster.
func (p *proxy) reach(host string) (gossh.Channel, error) {
	ctx, cancel := context.WithTimeout(p.ctx, 10*time.Second)
	defer cancel()
	id, cluster, remote := strings.Cut(host, ".")
	if remote {
		var err error
		if id, err = p.resolve(ctx, cluster); err != nil {
			return nil, err
		}
	}
	p.mu.Lock()
	conn := p.far[id]
	p.mu.Unlock()
	if conn == nil {
		return nil, fmt.Errorf("no tunnel from %q", id)
	}
	payload := gossh.Marshal(direct{Host: tunnelHost, Port: tunnelPort, OriginHost: "127.0.0.1", OriginPort: 1})
	channel, requests, err := conn.OpenChannel("forwarded-tcpip", payload)
	if err != nil {
		return nil, fmt.Errorf("connect through the tunnel of %q: %w", id, err)
	}
	go gossh.DiscardRequests(requests)
	return channel, nil
}

// join copies in both directions until both have ended.
func join(a, b gossh.Channel) {
	var there sync.WaitGroup
	there.Go(func() {
		_, _ = io.Copy(a, b)
		_ = a.CloseWrite()
	})
	_, _ = io.Copy(b, a)
	_ = b.CloseWrite()
	there.Wait()
}

// serveAgent holds a reverse tunnel: an SSH connection that the far end has
// opened. It is no login of a user, so that only its bytes are measured.
func (p *proxy) serveAgent(conn net.Conn) {
	server, channels, requests, err := gossh.NewServerConn(p.measure.Conn(conn), p.tunnelC)
	if err != nil {
		p.logger.Warn("tunnel refused", "err", err)
		return
	}
	go func() {
		for channel := range channels {
			_ = channel.Reject(gossh.Prohibited, "a tunnel leads the other way")
		}
	}()
	forward := make(chan *gossh.Request, 1)
	go awaitForward(requests, forward)
	select {
	case request := <-forward:
		p.hold(server, request)
	case <-ended(server):
	}
}

func ended(conn gossh.Conn) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = conn.Wait()
	}()
	return done
}

// awaitForward hands on the request by which the far end begins to listen, and
// refuses all others.
func awaitForward(requests <-chan *gossh.Request, forward chan<- *gossh.Request) {
	listening := false
	for request := range requests {
		if request.Type == "tcpip-forward" && !listening {
			listening = true
			forward <- request
		} else if request.WantReply {
			_ = request.Reply(false, nil)
		}
	}
}

// hold grants the request for a tunnel, which counts, and through which users
// get, until it ends.
func (p *proxy) hold(server *gossh.ServerConn, request *gossh.Request) {
	defer server.Close()
	id, typ := server.User(), server.Permissions.Extensions[serviceType]
	lease, err := p.tunnels.Connected(instruments.TunnelType(typ), id)
	if err != nil {
		p.logger.Warn("tunnel refused", "err", err)
		return
	}
	defer lease.Close()
	p.mu.Lock()
	p.far[id] = server
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.far[id] == server { // and not one that has come in the meantime
			delete(p.far, id)
		}
	}()
	_ = request.Reply(true, nil)

	ctx, cancel := context.WithCancel(p.ctx)
	var watching sync.WaitGroup
	watching.Go(func() { _ = tunnel.KeepAlive(ctx, server, tunnel.DefaultKeepAlive) })
	_ = lease.Hold(server)
	cancel()
	watching.Wait()
}
