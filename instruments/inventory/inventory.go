package inventory

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	"github.com/telltale-agent/telltale/instruments"
)

// Inventory holds the servers that announce themselves, and their connections.
// All methods are safe for concurrent use.
type Inventory struct {
	options  Options
	began    time.Time
	received *instruments.CounterCell
	missed   *instruments.CounterCell
	shown    *instruments.GaugeCells[instruments.Resource]
	stop     func()

	mu          sync.Mutex // guards the fields below, servers and connections
	closed      bool
	servers     map[string]*server
	versions    map[string]int // servers by version, never 0
	connections int
	connected   map[instruments.ResourceType]int
	kept        map[key]*Connection
	alarms      alarms
	timer       *time.Timer
	timerAt     time.Duration // when it goes off, while armed
	armed       bool
	full        bool // something was refused, and there is not much room since
}

// New makes an inventory that shows in reg until Close. With a nil registry it
// shows nowhere, and works all the same.
func New(reg *instruments.Registry, options Options) *Inventory {
	inv := &Inventory{
		options:   options.withDefaults(),
		began:     time.Now(),
		received:  instruments.HeartbeatConnections.In(reg),
		missed:    instruments.HeartbeatsMissed.In(reg),
		shown:     instruments.ConnectedResources.In(reg),
		servers:   make(map[string]*server),
		versions:  make(map[string]int),
		connected: make(map[instruments.ResourceType]int),
		kept:      make(map[key]*Connection),
	}
	inv.stop = reg.ObserveDirect("registered_servers", inv.observe)
	return inv
}

// Close empties the inventory: gauges return to zero, versions vanish, and from
// now on everything is refused with ErrClosed. Calling it again does nothing.
func (inv *Inventory) Close() {
	inv.stop()
	inv.mu.Lock()
	defer inv.mu.Unlock()
	if inv.closed {
		return
	}
	inv.closed = true
	if inv.timer != nil {
		inv.timer.Stop()
	}
	for typ, n := range inv.connected {
		inv.moveLocked(typ, -n)
	}
	inv.servers, inv.versions, inv.kept, inv.alarms = nil, nil, nil, nil
}

// Servers is the number of servers that are known now.
func (inv *Inventory) Servers() int {
	inv.mu.Lock()
	defer inv.mu.Unlock()
	return len(inv.servers)
}

// Connections is the number of connections that count now.
func (inv *Inventory) Connections() int {
	inv.mu.Lock()
	defer inv.mu.Unlock()
	return inv.connections
}

func (inv *Inventory) now() time.Duration { return time.Since(inv.began) }

// moveLocked adds n connections of a type, or takes them away.
func (inv *Inventory) moveLocked(typ instruments.ResourceType, n int) {
	inv.connections += n
	inv.connected[typ] += n
	inv.shown.At(instruments.Resource{Type: typ}).Add(float64(n))
}

// observe reports the versions of one moment: a server that changes its version
// is in no collection twice. The most frequent come first, so that it is the
// others that the registry's own bound would put together.
func (inv *Inventory) observe(_ context.Context, o *instruments.Observation) {
	inv.mu.Lock()
	versions := maps.Clone(inv.versions)
	inv.mu.Unlock()
	for _, t := range ranked(versions, inv.options.MaxVersions) {
		instruments.RegisteredServers.Observe(o, float64(t.servers), instruments.ServerVersion{Version: t.version})
	}
}

// locked calls change with the mutex held, unless the inventory is closed, and
// sees to what may follow: the timer, and the log, which may take its time.
func locked[T any](inv *Inventory, change func() (T, error)) (T, error) {
	inv.mu.Lock()
	var result T
	err := ErrClosed
	if !inv.closed {
		result, err = change()
		inv.armLocked()
	}
	tell := inv.fullnessLocked(errors.Is(err, ErrFull))
	inv.mu.Unlock()
	tell()
	return result, err
}

// atOnce is how many alarms are seen to before others get the mutex.
const atOnce = 1000

// tick sees to the alarms that have come due.
func (inv *Inventory) tick() {
	for more := true; more; {
		more, _ = locked(inv, func() (bool, error) {
			inv.armed = false
			return inv.ringLocked(atOnce), nil
		})
	}
}

// ringLocked sees to at most that many alarms, and reports whether to go on.
func (inv *Inventory) ringLocked(most int) (more bool) {
	now := inv.now()
	for range most {
		if len(inv.alarms) == 0 || inv.alarms[0].at > now {
			return false
		}
		inv.alarms[0].ring(now)
	}
	return true
}

// armLocked makes the timer go off for the first alarm, if it would be later.
func (inv *Inventory) armLocked() {
	if len(inv.alarms) == 0 {
		return
	}
	next := inv.alarms[0].at
	if inv.armed && inv.timerAt <= next {
		return
	}
	inv.armed, inv.timerAt = true, next
	if inv.timer == nil {
		inv.timer = time.AfterFunc(next-inv.now(), inv.tick)
		return
	}
	inv.timer.Reset(next - inv.now())
}

// fullnessLocked returns what tells the log that the inventory has become full,
// or has room again: a tenth, lest one that is about full tells it all the time.
func (inv *Inventory) fullnessLocked(refused bool) (tell func()) {
	servers, connections := len(inv.servers), inv.connections
	roomy := servers*10 <= inv.options.MaxServers*9 && connections*10 <= inv.options.MaxConnections*9
	switch {
	case inv.closed:
	case refused && !inv.full:
		inv.full = true
		return func() {
			inv.options.Logger.Warn("inventory is full: announcements are refused",
				"servers", servers, "connections", connections)
		}
	case !refused && inv.full && roomy:
		inv.full = false
		return func() {
			inv.options.Logger.Info("inventory has room again", "servers", servers, "connections", connections)
		}
	}
	return func() {}
}
