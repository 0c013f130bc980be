package inventory_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/telltale-agent/telltale/instruments"
	"github.com/telltale-agent/telltale/instruments/instrumentstest"
	"github.com/telltale-agent/telltale/instruments/inventory"
)

// model says what an inventory must show. It has no timers: everything follows
// from when servers and connections were last heard of.
type model struct {
	options  inventory.Options // with all values given
	servers  map[string]*modelServer
	conns    []*modelConn
	kept     map[string]*modelConn
	received float64
	missed   float64 // up to the last sign of life of each server
}

type modelServer struct {
	version string
	last    time.Time
	due     bool
}

type modelConn struct {
	a     inventory.Announcement
	last  time.Time
	ended bool
}

func (m *model) alive(last time.Time) bool { return time.Since(last) < m.options.TTL }

func (m *model) counts(c *modelConn) bool { return !c.ended && m.alive(c.last) }

// missedOf is what one server has missed since it was heard of.
func (m *model) missedOf(s *modelServer) float64 {
	if !s.due {
		return 0
	}
	var missed float64
	silence := min(time.Since(s.last), m.options.TTL)
	for late := m.options.Grace + m.options.Interval; late <= silence; late += m.options.Interval {
		missed++
	}
	return missed
}

// hear is a sign of life; announced says that it brings the version.
func (m *model) hear(c *modelConn, announced bool) {
	c.last = time.Now()
	s, known := m.servers[c.a.ID]
	if known {
		m.missed += m.missedOf(s)
	}
	if !known || !m.alive(s.last) {
		s, announced = &modelServer{}, true
		m.servers[c.a.ID] = s
	}
	s.last, s.due = time.Now(), true
	if announced {
		s.version = c.a.Version
	}
}

func (m *model) connect(a inventory.Announcement) *modelConn {
	c := &modelConn{a: a}
	m.conns = append(m.conns, c)
	m.received++
	m.hear(c, true)
	return c
}

func (m *model) announce(a inventory.Announcement) {
	key := a.ID + "/" + string(a.Type)
	if c, known := m.kept[key]; known && m.counts(c) {
		c.a = a
		m.hear(c, true)
		return
	}
	m.kept[key] = m.connect(a)
}

func (m *model) end(c *modelConn, goodbye bool) {
	if c.ended {
		return
	}
	c.ended = true
	s := m.servers[c.a.ID]
	if !goodbye || !m.alive(s.last) {
		return
	}
	for _, other := range m.conns {
		if other.a.ID == c.a.ID && m.counts(other) {
			return
		}
	}
	m.missed += m.missedOf(s)
	s.due = false
}

// shows is what a collection must find.
func (m *model) shows() map[string]float64 {
	shown := map[string]float64{received: m.received, missed: m.missed}
	for _, typ := range []string{"node", "kube", "app", "db", "db_service", "windows_desktop_service"} {
		shown["teleport_connected_resources{"+typ+"}"] = 0
	}
	for _, s := range m.servers {
		shown[missed] += m.missedOf(s)
		if m.alive(s.last) {
			shown[version(s.version)]++
		}
	}
	for _, c := range m.conns {
		if m.counts(c) {
			shown["teleport_connected_resources{"+string(c.a.Type)+"}"]++
		}
	}
	return shown
}

// shown is what a collection finds of an inventory.
func shown(t *testing.T, e *instrumentstest.Exit) map[string]float64 {
	values := e.Collect(t)
	maps.DeleteFunc(values, func(name string, value float64) bool {
		if strings.HasPrefix(name, "telltale_recordings_rejected_total") {
			return value == 0 // a value that was refused shows a mistake
		}
		return !strings.HasPrefix(name, "heartbeat_connections_") &&
			!strings.HasPrefix(name, "teleport_connected_resources") &&
			!strings.HasPrefix(name, "teleport_registered_servers")
	})
	return values
}

func TestInventoryAgainstModel(t *testing.T) {
	for _, options := range []inventory.Options{
		{TTL: 10 * time.Minute, Interval: time.Minute, Grace: 6 * time.Second},
		{TTL: 5 * time.Minute, Interval: 2 * time.Minute, Grace: time.Minute}, // the second miss and the end coincide
		{TTL: time.Minute, Interval: 2 * time.Minute, Grace: 0},
	} {
		for seed := range uint64(2) {
			t.Run(fmt.Sprintf("%s by %s, seed %d", options.TTL, options.Interval, seed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { againstModel(t, options, rand.New(rand.NewPCG(seed, 1))) })
			})
		}
	}
}

func againstModel(t *testing.T, options inventory.Options, random *rand.Rand) {
	e := instrumentstest.New(t)
	given := options
	if given.Grace == 0 {
		given.Grace = -1 // none
	}
	inv := inventory.New(e.Registry, given)
	defer inv.Close()
	m := &model{options: options, servers: make(map[string]*modelServer), kept: make(map[string]*modelConn)}
	type pair struct {
		real *inventory.Connection
		mock *modelConn
	}
	var pairs []pair
	announcement := func() inventory.Announcement {
		return inventory.Announcement{
			ID:      string(rune('a' + random.IntN(3))),
			Type:    []instruments.ResourceType{instruments.ResourceNode, instruments.ResourceApp}[random.IntN(2)],
			Version: []string{"18.2.0", "18.2.1", "17.0.0-rc.1"}[random.IntN(3)],
		}
	}
	for step := range 150 {
		action := random.IntN(11)
		switch {
		case action < 2 || len(pairs) == 0:
			a := announcement()
			pairs = append(pairs, pair{connect(t, inv, a), m.connect(a)})
		case action < 4:
			a := announcement()
			if err := inv.Announce(a); err != nil {
				t.Fatal(err)
			}
			m.announce(a)
		case action < 6:
			p := pairs[random.IntN(len(pairs))]
			p.real.Close()
			m.end(p.mock, true)
		case action == 10: // a server says goodbye for good
			id := pairs[random.IntN(len(pairs))].mock.a.ID
			for _, p := range pairs {
				if p.mock.a.ID == id {
					p.real.Close()
					m.end(p.mock, true)
				}
			}
		case action < 7:
			p := pairs[random.IntN(len(pairs))]
			p.real.Lost()
			m.end(p.mock, false)
		default:
			p := pairs[random.IntN(len(pairs))]
			if err := p.real.Heartbeat(); (err != nil) != p.mock.ended {
				t.Fatalf("heartbeat: got %v, ended: %t", err, p.mock.ended)
			}
			if !p.mock.ended {
				m.hear(p.mock, false)
			}
		}
		synctest.Wait()
		if got, want := shown(t, e), m.shows(); !maps.Equal(got, want) {
			t.Fatalf("step %d: got\n%v, want\n%v", step, got, want)
		}
		// Odd nanoseconds: nothing is done in the very moment of a deadline.
		longest := []time.Duration{time.Second, options.Interval, 2 * options.TTL}[random.IntN(3)]
		time.Sleep(time.Duration(random.Int64N(int64(longest))) | 1)
		synctest.Wait()
		if got, want := shown(t, e), m.shows(); !maps.Equal(got, want) {
			t.Fatalf("after step %d: got\n%v, want\n%v", step, got, want)
		}
	}
}
