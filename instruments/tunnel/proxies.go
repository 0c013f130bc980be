package tunnel

import (
	"sync"

	"github.com/telltale-agent/telltale/instruments"
)

// Proxies holds the proxies that this process keeps a tunnel to. It is safe for
// concurrent use.
type Proxies struct {
	connected *instruments.GaugeCell

	mu    sync.Mutex // guards pool, and moves connected with it
	pool  roster
	shown int
}

// NewProxies is an empty pool that shows in reg.
func NewProxies(reg *instruments.Registry) *Proxies {
	return &Proxies{connected: instruments.ConnectedProxies.In(reg), pool: newRoster()}
}

// Connected notes a tunnel to the proxy with the given id, until the lease is
// closed. Tunnels to one proxy may be several; the proxy counts once.
func (p *Proxies) Connected(id string) *Lease {
	p.change(func(pool *roster) { pool.add(id) })
	return &Lease{give: func() {
		p.change(func(pool *roster) { pool.remove(id) })
	}}
}

// SetKnown makes ids, in place of all before, the proxies that are known from
// discovery. From then on a proxy that is not among them does not count, even
// while a tunnel to it is open. Until it is called, every proxy is known that a
// tunnel is open to.
func (p *Proxies) SetKnown(ids []string) {
	p.change(func(pool *roster) { pool.replace(ids) })
}

// change moves the gauge by what changed, so that pools add up.
func (p *Proxies) change(how func(*roster)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	how(&p.pool)
	now := len(p.pool.open)
	if p.pool.wanted != nil {
		now = p.pool.met
	}
	p.connected.Add(float64(now - p.shown))
	p.shown = now
}
