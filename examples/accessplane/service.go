package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"github.com/telltale-agent/telltale/instruments"
	"github.com/telltale-agent/telltale/instruments/inventory"
	"github.com/telltale-agent/telltale/instruments/tunnel"
)

// Where the far end of a tunnel pretends to listen.
const (
	tunnelHost = "0.0.0.0"
	tunnelPort = 22
)

// service is what sits behind a reverse tunnel and serves the connections that
// come through it: a node, an application, another cluster's proxy.
type service struct {
	ID      string
	Type    instruments.TunnelType
	Version string                              // that it announces, default 1.0.0
	Cluster string                              // the trusted cluster that the tunnel leads to; empty within the own one
	Serve   func(context.Context, net.Listener) // until the listener is closed
}

// tunnelPool keeps up the tunnels of the services of this process.
type tunnelPool struct {
	dial      tunnel.DialFunc
	proxyAddr string
	authority *authority
	proxies   *tunnel.Proxies
	clusters  *tunnel.Clusters
	logger    *slog.Logger
}

func newTunnelPool(reg *instruments.Registry, proxyAddr string, authority *authority, dial tunnel.DialFunc, logger *slog.Logger) *tunnelPool {
	return &tunnelPool{
		dial:      dial,
		proxyAddr: proxyAddr,
		authority: authority,
		proxies:   tunnel.NewProxies(reg),
		clusters:  tunnel.NewClusters(reg),
		logger:    logger,
	}
}

// Run keeps a tunnel of the service open until ctx ends, and tries again a
// moment after one was lost. It calls opened with the first one.
func (p *tunnelPool) Run(ctx context.Context, s service, opened func()) {
	key, err := p.authority.ServiceKey(s.ID, string(s.Type))
	if err != nil {
		p.logger.Error("no tunnel", "service", s.ID, "err", err)
		return
	}
	var remote *tunnel.ClusterTunnel
	if s.Cluster != "" {
		remote = p.clusters.Open(s.Cluster, tunnel.Connecting)
		defer remote.Close()
	}
	for {
		err := p.hold(ctx, s, key, remote, opened)
		if ctx.Err() != nil {
			return
		}
		p.logger.Warn("tunnel lost", "service", s.ID, "err", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Second):
		}
		if remote != nil {
			remote.Set(tunnel.Connecting)
		}
	}
}

// hold opens one tunnel and serves what comes through it until it ends.
func (p *tunnelPool) hold(ctx context.Context, s service, key gossh.Signer, remote *tunnel.ClusterTunnel, opened func()) error {
	client, err := p.connect(ctx, s, key)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { client.Close() })()
	defer client.Close()
	listener, err := client.Listen("tcp", net.JoinHostPort(tunnelHost, strconv.Itoa(tunnelPort)))
	if err != nil {
		return fmt.Errorf("open a tunnel for %s: %w", s.ID, err)
	}
	lease := p.proxies.Connected(p.proxyAddr)
	defer lease.Close()
	var serving sync.WaitGroup
	serving.Go(func() { s.Serve(ctx, listener) })
	defer serving.Wait()
	opened()
	if remote != nil {
		return remote.Hold(client)
	}
	return lease.Hold(client)
}

// connect logs in at the proxy.
func (p *tunnelPool) connect(ctx context.Context, s service, key gossh.Signer) (*gossh.Client, error) {
	conn, err := p.dial(ctx, "tcp", p.proxyAddr)
	if err != nil {
		return nil, err
	}
	inner, channels, requests, err := gossh.NewClientConn(conn, "proxy:22", &gossh.ClientConfig{
		User:            s.ID,
		Auth:            []gossh.AuthMethod{gossh.PublicKeys(key)},
		HostKeyCallback: p.authority.Hosts().CheckHostKey,
		Timeout:         10 * time.Second,
	})
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("log in at %s: %w", p.proxyAddr, err)
	}
	return gossh.NewClient(inner, channels, requests), nil
}

// announce sends heartbeats of the service to the auth service, twice as often
// as it must.
func (p *Plane) announce(ctx context.Context, s service) {
	resource := instruments.ResourceType(s.Type)
	switch s.Type {
	case instruments.TunnelProxy:
		return // the inventory has servers behind proxies only
	case instruments.TunnelWindowsDesktop:
		resource = instruments.ResourceWindowsDesktop
	}
	body, err := json.Marshal(map[string]string{"id": s.ID, "type": string(resource), "version": or(s.Version, "1.0.0")})
	if err != nil {
		panic(err) // three strings can be encoded
	}
	ticker := time.NewTicker(or(p.config.Announce, inventory.DefaultInterval) / 2)
	defer ticker.Stop()
	for {
		if err := post(ctx, "http://"+p.apiAddr+inventory.AnnouncePath, body); err != nil && ctx.Err() == nil {
			p.config.Logger.Warn("heartbeat failed", "service", s.ID, "err", err)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

func post(ctx context.Context, url string, body []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode/100 != 2 {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 1000))
		return fmt.Errorf("%s: %s", response.Status, bytes.TrimSpace(text))
	}
	return nil
}

// drain serves a tunnel that nobody is behind: it closes what comes.
func drain(_ context.Context, listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		conn.Close()
	}
}
