// Package etcdserver runs an etcd server.
package etcdserver

import (
	"net/url"
	"testing"
	"time"

	"go.etcd.io/etcd/server/v3/embed"

	"github.com/telltale-agent/telltale/interop/internal/harness"
)

// Member is a cluster of one etcd that keeps its data and its addresses over restarts.
type Member struct {
	Client string // address for clients, which serves /health and the gRPC health service as well
	peer   string
	dir    string
	etcd   *embed.Etcd // nil while it is stopped
}

// New chooses directory and addresses of a member that is yet to start. When the test ends, it is stopped.
func New(t testing.TB) *Member {
	t.Helper()
	m := &Member{dir: t.TempDir(), Client: harness.Address(t), peer: harness.Address(t)}
	t.Cleanup(m.Stop)
	return m
}

// Start returns when the member is ready to serve.
func (m *Member) Start(t testing.TB) {
	t.Helper()
	client, peer := url.URL{Scheme: "http", Host: m.Client}, url.URL{Scheme: "http", Host: m.peer}
	cfg := embed.NewConfig()
	cfg.Dir = m.dir
	cfg.LogLevel = "fatal"
	cfg.UnsafeNoFsync = true // a shared disk must not decide about the heartbeats
	cfg.ListenClientUrls, cfg.AdvertiseClientUrls = []url.URL{client}, []url.URL{client}
	cfg.ListenPeerUrls, cfg.AdvertisePeerUrls = []url.URL{peer}, []url.URL{peer}
	cfg.InitialCluster = cfg.InitialClusterFromName(cfg.Name)
	etcd, err := embed.StartEtcd(cfg)
	if err != nil {
		t.Fatalf("start etcd: %v", err)
	}
	m.etcd = etcd
	select {
	case <-etcd.Server.ReadyNotify():
	case err := <-etcd.Err():
		t.Fatalf("etcd: %v", err)
	case <-time.After(harness.Patience):
		t.Fatal("etcd does not get ready")
	}
}

// Stop closes the ports. It may be called for a member that is stopped.
func (m *Member) Stop() {
	if m.etcd != nil {
		m.etcd.Close()
		m.etcd = nil
	}
}
