package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/fsouza/fake-gcs-server/fakestorage"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
	gossh "golang.org/x/crypto/ssh"

	"github.com/telltale-agent/telltale/agent"
	"github.com/telltale-agent/telltale/examples/accessplane/firestoreserver"
	"github.com/telltale-agent/telltale/instruments"
	"github.com/telltale-agent/telltale/instruments/auth"
	"github.com/telltale-agent/telltale/instruments/inventory"
	"github.com/telltale-agent/telltale/instruments/kv"
	"github.com/telltale-agent/telltale/instruments/tunnel"
)

// Config is what may differ between planes. Only Dir must be given.
type Config struct {
	Agent agent.Config // where the diagnostics go

	Dir            string          // for everything that is stored
	MaxConnections int             // of users to the proxy, default 100
	MaxSessions    int             // of one user on a node, default 10
	MaxGenerating  int             // certificates at a time, default 16
	DiskCheck      time.Duration   // between looks at the audit log's disk, default 5 minutes
	Announce       time.Duration   // between two heartbeats of a server, default 1 minute
	ForgetAfter    time.Duration   // how long a silent server is remembered, default 10 minutes
	FlushAfter     time.Duration   // between two batches of audit events, default 5 seconds
	UserAuthority  gossh.Signer    // signs the certificates of users; default a new key
	DialProxy      tunnel.DialFunc // how services reach the proxy, default TCP
	Logger         *slog.Logger    // default slog.Default()
}

func (c Config) withDefaults() Config {
	c.MaxConnections = or(c.MaxConnections, 100)
	c.MaxSessions = or(c.MaxSessions, 10)
	c.MaxGenerating = or(c.MaxGenerating, 16)
	c.FlushAfter = or(c.FlushAfter, 5*time.Second)
	if c.DialProxy == nil {
		c.DialProxy = new(net.Dialer).DialContext
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

func or[T comparable](given, otherwise T) T {
	var zero T
	if given == zero {
		return otherwise
	}
	return given
}

// Plane is a small access plane: an auth service, a proxy, a node and an
// application in one process, and an agent that tells about them.
type Plane struct {
	config Config
	agent  *agent.Agent

	etcd      *embed.Etcd
	gcs       *fakestorage.Server
	firestore *firestoreserver.Server

	client     *clientv3.Client
	resources  kv.Store
	audit      *auditLog
	recordings *recordings
	authority  *authority
	servers    *inventory.Inventory
	proxy      *proxy
	pool       *tunnelPool
	api        *http.Server
	apiAddr    string

	services map[string]func()             // stop them, by id
	undo     []func(context.Context) error // what Stop does, last first
	ctx      context.Context               // of what runs in the background
	cancel   context.CancelFunc
	running  sync.WaitGroup // what runs in the background
}

// Start makes everything run. It returns when users can log in, or with an
// error and nothing left behind.
func Start(ctx context.Context, config Config) (*Plane, error) {
	p := &Plane{config: config.withDefaults(), services: make(map[string]func())}
	p.ctx, p.cancel = context.WithCancel(context.WithoutCancel(ctx))
	// The agent comes first, so that it can tell how far the rest has got.
	// Everything below gets its registry, and no more.
	for _, step := range []func(context.Context) error{
		p.startAgent, p.startPeers, p.startBackend, p.startAudit, p.startAuth, p.startProxy, p.startServices, p.startHealth,
	} {
		if err := step(ctx); err != nil {
			return nil, errors.Join(err, p.Stop(context.WithoutCancel(ctx)))
		}
	}
	return p, nil
}

// Stop ends everything in reverse, the agent last: it reports the rest.
func (p *Plane) Stop(ctx context.Context) error {
	p.cancel()
	p.running.Wait()
	var errs []error
	for len(p.undo) > 0 {
		last := len(p.undo) - 1
		errs = append(errs, p.undo[last](ctx))
		p.undo = p.undo[:last]
	}
	return errors.Join(errs...)
}

func (p *Plane) atStop(f func(context.Context) error) { p.undo = append(p.undo, f) }

// registry is where all integrations record.
func (p *Plane) registry() *instruments.Registry { return p.agent.Instruments() }

func (p *Plane) startAgent(ctx context.Context) (err error) {
	p.config.Agent.Components = []string{"auth", "audit", "proxy"}
	p.agent, err = agent.Start(ctx, p.config.Agent, agent.WithLogger(p.config.Logger))
	if err == nil {
		p.atStop(p.agent.Shutdown)
	}
	return err
}

// startPeers runs what is elsewhere in earnest.
func (p *Plane) startPeers(ctx context.Context) (err error) {
	if p.etcd, err = startEtcd(ctx, filepath.Join(p.config.Dir, "etcd")); err != nil {
		return err
	}
	p.atStop(func(context.Context) error { p.etcd.Close(); return nil })
	if p.gcs, err = startCloudStorage(); err != nil {
		return err
	}
	p.atStop(func(context.Context) error { p.gcs.Stop(); return nil })
	if p.firestore, err = firestoreserver.Start(); err != nil {
		return fmt.Errorf("start Firestore: %w", err)
	}
	p.atStop(func(context.Context) error { p.firestore.Stop(); return nil })
	return nil
}

// startBackend puts a cache in front of etcd. Both are measured, as two
// components of one metric.
func (p *Plane) startBackend(context.Context) (err error) {
	if p.client, err = newEtcdClient(p.registry(), p.etcd.Clients[0].Addr().String()); err != nil {
		return fmt.Errorf("make a client of etcd: %w", err)
	}
	p.atStop(func(context.Context) error { return p.client.Close() })
	etcd := etcdStore{p.client}
	backend := kv.Wrap(p.registry(), instruments.StoreBackend, etcd)
	cache := newCache(p.registry(), backend, etcd, p.changed, p.config.Logger)
	p.resources = kv.Wrap(p.registry(), instruments.StoreCache, cache)
	return nil
}

func (p *Plane) startAudit(ctx context.Context) (err error) {
	if p.recordings, err = newRecordings(ctx, p.registry(), p.gcs.URL()); err != nil {
		return err
	}
	p.atStop(func(context.Context) error { return p.recordings.Close() })
	dir := p.auditDir()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	p.audit, err = openAuditLog(ctx, p.registry(), auditOptions{
		dir: dir, diskCheck: p.config.DiskCheck, firestore: p.firestore.Addr(), recordings: p.recordings, logger: p.config.Logger,
	})
	if err != nil {
		return err
	}
	p.atStop(p.audit.Close)
	return nil
}

func (p *Plane) auditDir() string { return filepath.Join(p.config.Dir, "audit") }

// startAuth runs the authority and the API of the auth service.
func (p *Plane) startAuth(context.Context) (err error) {
	if p.authority, err = newAuthority(p.registry(), p.config.UserAuthority, p.config.MaxGenerating); err != nil {
		return err
	}
	p.servers = inventory.New(p.registry(), inventory.Options{
		Interval: p.config.Announce, TTL: p.config.ForgetAfter, Logger: p.config.Logger,
	})
	p.atStop(func(context.Context) error { p.servers.Close(); return nil })
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	p.apiAddr = listener.Addr().String()
	a := &api{resources: p.resources, authority: p.authority, audit: p.audit, recordings: p.recordings, proxyAddr: func() string { return p.proxy.users.Addr().String() }}
	p.api = &http.Server{Handler: a.Handler(p.servers), ReadHeaderTimeout: 5 * time.Second}
	var serving sync.WaitGroup
	serving.Go(func() { _ = p.api.Serve(listener) })
	p.atStop(func(ctx context.Context) error {
		defer serving.Wait()
		return p.api.Shutdown(ctx)
	})
	return nil
}

// startProxy also fills the cache, from which the proxy learns which nodes
// ought to have a tunnel.
func (p *Plane) startProxy(ctx context.Context) (err error) {
	p.proxy, err = newProxy(proxyOptions{
		registry:       p.registry(),
		authority:      p.authority,
		audit:          p.audit,
		maxConnections: p.config.MaxConnections,
		resolve:        p.cluster,
		logger:         p.config.Logger,
	})
	if err != nil {
		return err
	}
	p.atStop(func(context.Context) error { p.proxy.Close(); return nil })
	loaded := make(chan struct{})
	cache := p.resources.(interface{ Unwrap() kv.Store }).Unwrap().(*resourceCache)
	p.running.Go(func() { cache.Run(p.ctx, func() { close(loaded) }) })
	select {
	case <-loaded:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("fill the cache: %w", ctx.Err())
	}
}

// changed hears from the cache about each resource.
func (p *Plane) changed(key string, exists bool) {
	id, isNode := strings.CutPrefix(key, "nodes/")
	switch {
	case isNode && exists:
		p.proxy.tunnels.Expect(id)
	case isNode:
		p.proxy.tunnels.Unexpect(id)
	}
}

// cluster finds the service through whose tunnel a trusted cluster is reached.
// That there is no such cluster counts.
func (p *Plane) cluster(ctx context.Context, name string) (string, error) {
	lookUp := auth.ClusterName(p.registry(), func(ctx context.Context) (string, error) {
		item, err := p.resources.Get(ctx, "clusters/"+name)
		return string(item.Value), err
	}, func(err error) bool { return errors.Is(err, kv.ErrNotFound) })
	id, err := lookUp(ctx)
	if err != nil {
		return "", fmt.Errorf("look up cluster: %w", err)
	}
	return id, nil
}

// startServices puts a node and an application behind tunnels.
func (p *Plane) startServices(ctx context.Context) error {
	p.pool = newTunnelPool(p.registry(), p.proxy.agents.Addr().String(), p.authority, p.config.DialProxy, p.config.Logger)
	p.atStop(func(context.Context) error { p.pool.clusters.Close(); return nil })
	node, err := newNode("node-1", p.config.MaxSessions, p.registry(), p.authority, p.audit, p.config.Logger)
	if err != nil {
		return err
	}
	for _, s := range []service{
		{ID: "node-1", Type: instruments.TunnelNode, Serve: node.Serve},
		{ID: "dashboard", Type: instruments.TunnelApp, Serve: drain},
	} {
		if err := p.Serve(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// Serve keeps a tunnel of the service open, and its place in the inventory,
// until Withdraw or Stop. It returns when the first tunnel is open, or with an
// error when ctx ends before that.
func (p *Plane) Serve(ctx context.Context, s service) error {
	serving, cancel := context.WithCancel(p.ctx)
	opened := make(chan struct{})
	var both sync.WaitGroup
	both.Go(func() { p.pool.Run(serving, s, sync.OnceFunc(func() { close(opened) })) })
	both.Go(func() { p.announce(serving, s) })
	p.running.Go(both.Wait)
	p.services[s.ID] = func() {
		cancel()
		both.Wait()
	}
	select {
	case <-opened:
		return nil
	case <-ctx.Done():
		p.Withdraw(s.ID)
		return fmt.Errorf("open a tunnel for %s: %w", s.ID, ctx.Err())
	}
}

// Withdraw ends a service.
func (p *Plane) Withdraw(id string) {
	p.services[id]()
	delete(p.services, id)
}

// startHealth lets each component prove that it works.
func (p *Plane) startHealth(context.Context) error {
	for name, check := range map[string]func(context.Context) error{
		"auth":  func(ctx context.Context) error { _, err := p.client.Status(ctx, p.client.Endpoints()[0]); return err },
		"audit": p.audit.Check,
		"proxy": func(context.Context) error { return p.proxy.ctx.Err() },
	} {
		component := p.agent.Health().Component(name)
		p.running.Go(func() { _ = component.Run(p.ctx, check) })
	}
	p.running.Go(func() {
		ticker := time.NewTicker(p.config.FlushAfter)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				if err := p.audit.Flush(p.ctx); err != nil {
					p.config.Logger.Warn("audit events stay here for now", "err", err)
				}
			case <-p.ctx.Done():
				return
			}
		}
	})
	return nil
}
