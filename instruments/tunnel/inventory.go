package tunnel

import (
	"fmt"
	"slices"
	"sync"

	"github.com/telltale-agent/telltale/instruments"
)

// types are all there are.
var types = []instruments.TunnelType{
	instruments.TunnelNode, instruments.TunnelProxy, instruments.TunnelApp,
	instruments.TunnelKube, instruments.TunnelDB, instruments.TunnelWindowsDesktop,
}

// Inventory holds the reverse tunnels that are open to a proxy, and compares
// them with the nodes that ought to have one. It is safe for concurrent use.
type Inventory struct {
	connected *instruments.GaugeCells[instruments.Tunnel]
	missing   *instruments.GaugeCell

	mu    sync.Mutex // guards nodes, and moves missing with it
	nodes roster
}

// NewInventory is an empty inventory that shows in reg.
func NewInventory(reg *instruments.Registry) *Inventory {
	return &Inventory{
		connected: instruments.ReverseTunnels.In(reg),
		missing:   instruments.MissingSSHTunnels.In(reg),
		nodes:     newRoster(),
	}
}

// Connected notes a tunnel from the service of the given type with the given
// id, until the lease is closed. Each call is one tunnel, also from the same
// id. A type that is none of those known is an error, and counts nowhere: the
// nil lease that comes with it can be used like any other.
func (inv *Inventory) Connected(typ instruments.TunnelType, id string) (*Lease, error) {
	if !slices.Contains(types, typ) {
		return nil, fmt.Errorf("count tunnel: type %.40q is not known: use one of %v", typ, types)
	}
	cell := inv.connected.At(instruments.Tunnel{Type: typ})
	cell.Inc()
	if typ != instruments.TunnelNode {
		return &Lease{give: cell.Dec}, nil
	}
	inv.change(func(nodes *roster) { nodes.add(id) })
	return &Lease{give: func() {
		cell.Dec()
		inv.change(func(nodes *roster) { nodes.remove(id) })
	}}, nil
}

// SetExpected makes ids, in place of all before, the nodes that ought to have a
// tunnel to this proxy. Ids that are there twice are one node. A proxy that
// stops expects none: SetExpected(nil).
func (inv *Inventory) SetExpected(ids []string) {
	inv.change(func(nodes *roster) { nodes.replace(ids) })
}

// Expect adds one node to those that ought to have a tunnel.
func (inv *Inventory) Expect(id string) {
	inv.change(func(nodes *roster) { nodes.want(id) })
}

// Unexpect takes one node out of those that ought to have a tunnel; its tunnels
// count as before.
func (inv *Inventory) Unexpect(id string) {
	inv.change(func(nodes *roster) { nodes.unwant(id) })
}

// change moves the gauge by what changed, so that inventories add up.
func (inv *Inventory) change(how func(*roster)) {
	inv.mu.Lock()
	defer inv.mu.Unlock()
	before := inv.nodes.missing()
	how(&inv.nodes)
	inv.missing.Add(float64(inv.nodes.missing() - before))
}
