package tunnel

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/telltale-agent/telltale/instruments"
)

// State is what a tunnel to a trusted cluster is doing.
type State string

// The states that most pools know. A program may use others, as long as they
// are few: each is a series for each cluster.
const (
	Connecting   State = "connecting"   // being dialled, or in its handshake
	Connected    State = "connected"    // usable
	Disconnected State = "disconnected" // lost, and not yet given up
)

// Clusters holds the tunnels to trusted clusters. It is safe for concurrent
// use.
type Clusters struct {
	stop func()

	mu      sync.Mutex // guards tunnels
	tunnels map[instruments.TrustedCluster]int
}

// NewClusters holds no tunnels yet. What it holds shows in reg until Close.
func NewClusters(reg *instruments.Registry) *Clusters {
	c := &Clusters{tunnels: make(map[instruments.TrustedCluster]int)}
	c.stop = reg.ObserveDirect("trusted_clusters", c.observe)
	return c
}

// Close takes what the clusters show out of the registry. Tunnels may be opened
// and closed as before, unseen. Calling it again does nothing.
func (c *Clusters) Close() { c.stop() }

// Open notes a tunnel to cluster in the given state. It counts, wherever it
// gets to, until it is closed.
func (c *Clusters) Open(cluster string, state State) *ClusterTunnel {
	t := &ClusterTunnel{clusters: c, at: instruments.TrustedCluster{Cluster: cluster, State: string(state)}}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tunnels[t.at]++
	return t
}

// takeLocked takes one tunnel away, and its label set with the last one.
func (c *Clusters) takeLocked(at instruments.TrustedCluster) {
	if c.tunnels[at]--; c.tunnels[at] == 0 {
		delete(c.tunnels, at)
	}
}

// observe reports all label sets as they are at one moment, in an order that
// keeps the same ones within the registry's bound.
func (c *Clusters) observe(_ context.Context, o *instruments.Observation) {
	c.mu.Lock()
	now := maps.Clone(c.tunnels)
	c.mu.Unlock()
	for _, at := range slices.SortedFunc(maps.Keys(now), compare) {
		instruments.TrustedClusters.Observe(o, float64(now[at]), at)
	}
}

func compare(a, b instruments.TrustedCluster) int {
	return cmp.Or(cmp.Compare(a.Cluster, b.Cluster), cmp.Compare(a.State, b.State))
}

// ClusterTunnel is one tunnel to a trusted cluster. All methods are safe for
// concurrent use.
type ClusterTunnel struct {
	clusters *Clusters

	// Both are guarded by clusters.mu.
	at     instruments.TrustedCluster
	closed bool
}

// Set says that the tunnel has changed its state. After Close it does nothing.
func (t *ClusterTunnel) Set(state State) {
	t.clusters.mu.Lock()
	defer t.clusters.mu.Unlock()
	if t.closed {
		return
	}
	t.clusters.takeLocked(t.at)
	t.at.State = string(state)
	t.clusters.tunnels[t.at]++
}

// Close says that the tunnel is given up. Only the first call does anything.
func (t *ClusterTunnel) Close() {
	t.clusters.mu.Lock()
	defer t.clusters.mu.Unlock()
	if t.closed {
		return
	}
	t.closed = true
	t.clusters.takeLocked(t.at)
}

// Hold sets the tunnel to [Connected] until conn has ended, and to
// [Disconnected] from then on: the pool closes it, or sets it to [Connecting]
// and tries again. It returns what conn's Wait returned; a panic of Wait comes
// through.
func (t *ClusterTunnel) Hold(conn Waiter) error {
	t.Set(Connected)
	defer t.Set(Disconnected)
	return conn.Wait()
}
