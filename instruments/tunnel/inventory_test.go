package tunnel_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/telltale-agent/telltale/instruments"
	"github.com/telltale-agent/telltale/instruments/instrumentstest"
	"github.com/telltale-agent/telltale/instruments/tunnel"
)

// ending is a connection that ends in the way of its function.
type ending func() error

func (e ending) Wait() error { return e() }

func connected(t testing.TB, inv *tunnel.Inventory, typ instruments.TunnelType, id string) *tunnel.Lease {
	t.Helper()
	lease, err := inv.Connected(typ, id)
	if err != nil {
		t.Fatal(err)
	}
	return lease
}

func TestInventoryCountsTunnelsAndMissesNodes(t *testing.T) {
	e := instrumentstest.New(t)
	inv := tunnel.NewInventory(e.Registry)
	step := func(what string, tunnels, missed float64) {
		t.Helper()
		t.Log(what)
		e.WantShown(t, map[string]float64{nodes: tunnels, missing: missed})
	}
	step("nothing", 0, 0)
	inv.SetExpected([]string{"a", "b", "b", "c"})
	step("three nodes are expected, one twice", 0, 3)
	first := connected(t, inv, instruments.TunnelNode, "a")
	step("a came", 1, 2)
	second := connected(t, inv, instruments.TunnelNode, "a")
	step("a came again: a tunnel more, the same node", 2, 2)
	stranger := connected(t, inv, instruments.TunnelNode, "x")
	step("one came that nobody expects", 3, 2)
	app := connected(t, inv, instruments.TunnelApp, "b")
	step("b came, but its app service only", 3, 2)
	e.WantShown(t, map[string]float64{apps: 1})
	first.Close()
	first.Close()
	step("a has one tunnel left", 2, 2)
	second.Close()
	step("a is gone", 1, 3)
	inv.Expect("x")
	inv.Expect("x")
	step("the stranger is expected now", 1, 3)
	inv.Unexpect("x")
	inv.Unexpect("x")
	inv.Unexpect("never heard of")
	step("and no longer", 1, 3)
	inv.Expect("y")
	step("another one", 1, 4)
	inv.Unexpect("y")
	inv.SetExpected([]string{"x"})
	step("of those expected all are there", 1, 0)
	inv.SetExpected(nil)
	stranger.Close()
	app.Close()
	step("the proxy stops", 0, 0)
	e.WantShown(t, map[string]float64{apps: 0})
}

func TestInventoryRefusesUnknownTypes(t *testing.T) {
	e := instrumentstest.New(t)
	inv := tunnel.NewInventory(e.Registry)
	inv.Expect("liar")
	for _, typ := range []instruments.TunnelType{"", "Node", "node ", "quantum"} {
		lease, err := inv.Connected(typ, "liar")
		if err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("type %q: got error %v, want one line", typ, err)
		}
		lease.Close()
		gone := errors.New("gone")
		if err := lease.Hold(ending(func() error { return gone })); err != gone {
			t.Errorf("type %q: Hold returned %v, want what Wait returned", typ, err)
		}
	}
	for name, value := range e.Collect(t) {
		if strings.HasPrefix(name, "teleport_reverse_tunnels") && value != 0 {
			t.Errorf("%s: got %v, want nothing", name, value)
		}
	}
	e.WantShown(t, map[string]float64{missing: 1})
}

func TestLeasesAreGivenBackHoweverTheConnectionEnds(t *testing.T) {
	gone := errors.New("gone")
	for _, end := range []struct {
		name string
		conn ending
		want error
	}{
		{"returns", func() error { return nil }, nil},
		{"fails", func() error { return gone }, gone},
		{"panics", func() error { panic(gone) }, nil},
		{"ends its goroutine", func() error { runtime.Goexit(); return nil }, nil},
	} {
		t.Run(end.name, func(t *testing.T) {
			e := instrumentstest.New(t)
			inv, pool := tunnel.NewInventory(e.Registry), tunnel.NewProxies(e.Registry)
			inv.Expect("a")
			for _, lease := range []*tunnel.Lease{connected(t, inv, instruments.TunnelNode, "a"), pool.Connected("p")} {
				var wait sync.WaitGroup
				wait.Go(func() {
					defer func() {
						if value := recover(); value != nil && value != gone {
							t.Errorf("panicked with %v, want the value itself", value)
						}
					}()
					if err := lease.Hold(end.conn); err != end.want {
						t.Errorf("got %v, want %v", err, end.want)
					}
				})
				wait.Wait()
				lease.Close()
			}
			e.WantShown(t, map[string]float64{nodes: 0, missing: 1, proxies: 0})
		})
	}
}

func TestInventoriesOfOneRegistryAddUp(t *testing.T) {
	e := instrumentstest.New(t)
	one, two := tunnel.NewInventory(e.Registry), tunnel.NewInventory(e.Registry)
	one.SetExpected([]string{"a", "b"})
	two.SetExpected([]string{"a"})
	lease := connected(t, one, instruments.TunnelNode, "a")
	connected(t, two, instruments.TunnelNode, "a")
	e.WantShown(t, map[string]float64{nodes: 2, missing: 1})
	lease.Close()
	e.WantShown(t, map[string]float64{nodes: 1, missing: 2})
}

func TestProxies(t *testing.T) {
	e := instrumentstest.New(t)
	pool := tunnel.NewProxies(e.Registry)
	step := func(what string, want float64) {
		t.Helper()
		t.Log(what)
		e.WantShown(t, map[string]float64{proxies: want})
	}
	step("nothing", 0)
	a, again := pool.Connected("a"), pool.Connected("a")
	b := pool.Connected("b")
	step("two proxies, one of them twice", 2)
	pool.SetKnown([]string{"a", "c"})
	step("b is no longer known", 1)
	a.Close()
	a.Close()
	step("a has one tunnel left", 1)
	pool.SetKnown([]string{"a", "b"})
	step("b is back", 2)
	again.Close()
	step("a is gone", 1)
	pool.SetKnown(nil)
	step("discovery has lost them all", 0)
	b.Close()
	step("nothing", 0)
}

// TestInventoryAgainstModel does at random what can be done, and counts from
// scratch what must come of it.
func TestInventoryAgainstModel(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 3))
			e := instrumentstest.New(t)
			inv, pool := tunnel.NewInventory(e.Registry), tunnel.NewProxies(e.Registry)
			type held struct {
				id     string
				leases [2]*tunnel.Lease
			}
			var open []held
			expected, everKnown := map[string]bool{}, false
			for range 100 {
				id := string(rune('a' + random.IntN(8)))
				switch random.IntN(6) {
				case 0, 1:
					open = append(open, held{id, [2]*tunnel.Lease{connected(t, inv, instruments.TunnelNode, id), pool.Connected(id)}})
				case 2:
					if len(open) > 0 {
						i := random.IntN(len(open))
						open[i].leases[0].Close()
						open[i].leases[1].Close()
						open = append(open[:i:i], open[i+1:]...)
					}
				case 3:
					inv.Expect(id)
					expected[id] = true
				case 4:
					inv.Unexpect(id)
					delete(expected, id)
				case 5:
					ids := make([]string, random.IntN(10))
					clear(expected)
					for i := range ids {
						ids[i] = string(rune('a' + random.IntN(8)))
						expected[ids[i]] = true
					}
					inv.SetExpected(ids)
				}
				var known []string
				for id := range expected {
					known = append(known, id)
				}
				if everKnown = everKnown || random.IntN(10) == 0; everKnown {
					pool.SetKnown(known)
				}
				connectedIDs, wantMissing, wantProxies := map[string]bool{}, 0., 0.
				for _, h := range open {
					connectedIDs[h.id] = true
				}
				for id := range expected {
					if !connectedIDs[id] {
						wantMissing++
					}
				}
				for id := range connectedIDs {
					if !everKnown || expected[id] {
						wantProxies++
					}
				}
				e.WantShown(t, map[string]float64{nodes: float64(len(open)), missing: wantMissing, proxies: wantProxies})
				if t.Failed() {
					return
				}
			}
		})
	}
}

func TestEverythingAtOnce(t *testing.T) {
	closed := instrumentstest.New(t)
	_ = closed.Close()
	e := instrumentstest.New(t)
	for name, reg := range map[string]*instruments.Registry{"live": e.Registry, "nil": nil, "closed": closed.Registry} {
		t.Run(name, func(t *testing.T) {
			inv, pool, clusters := tunnel.NewInventory(reg), tunnel.NewProxies(reg), tunnel.NewClusters(reg)
			var workers sync.WaitGroup
			for i := range 16 {
				workers.Go(func() {
					for n := range 100 {
						id := fmt.Sprint(i % 4)
						inv.Expect(id)
						node, proxy, leaf := connected(t, inv, instruments.TunnelNode, id), pool.Connected(id), clusters.Open(id, tunnel.Connecting)
						leaf.Set(tunnel.Connected)
						if n%10 == 0 {
							inv.SetExpected([]string{id})
							pool.SetKnown([]string{id})
							_ = e.Collect(t)
						}
						for range 2 {
							workers.Go(node.Close)
							workers.Go(proxy.Close)
							workers.Go(leaf.Close)
						}
						inv.Unexpect(id)
					}
				})
			}
			workers.Wait()
			inv.SetExpected(nil)
			clusters.Close()
			clusters.Close()
		})
	}
	e.WantShown(t, map[string]float64{nodes: 0, missing: 0, proxies: 0})
	for series := range e.Collect(t) {
		if strings.HasPrefix(series, ofCluster) {
			t.Errorf("%s is still shown", series)
		}
	}
}
