package tunnel_test

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"

	"github.com/telltale-agent/telltale/instruments"
	"github.com/telltale-agent/telltale/instruments/instrumentstest"
	"github.com/telltale-agent/telltale/instruments/tunnel"
)

// clustersShown are the series of trusted_clusters by their label values.
func clustersShown(t testing.TB, e *instrumentstest.Exit) map[string]float64 {
	t.Helper()
	shown := make(map[string]float64)
	for name, value := range e.Collect(t) {
		if labels, ok := strings.CutPrefix(name, ofCluster); ok {
			shown[labels] = value
		}
	}
	return shown
}

func TestClusters(t *testing.T) {
	e := instrumentstest.New(t)
	clusters := tunnel.NewClusters(e.Registry)
	step := func(what string, want map[string]float64) {
		t.Helper()
		if got := clustersShown(t, e); !maps.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", what, got, want)
		}
	}
	step("nothing", map[string]float64{})
	one, two := clusters.Open("leaf", tunnel.Connecting), clusters.Open("leaf", tunnel.Connecting)
	other := clusters.Open("other", tunnel.Connected)
	step("three tunnels", map[string]float64{"{leaf,connecting}": 2, "{other,connected}": 1})
	one.Set(tunnel.Connected)
	step("one is up", map[string]float64{"{leaf,connecting}": 1, "{leaf,connected}": 1, "{other,connected}": 1})
	one.Set(tunnel.Connected)
	two.Set(tunnel.Connected)
	step("both are up", map[string]float64{"{leaf,connected}": 2, "{other,connected}": 1})
	other.Close()
	other.Close()
	other.Set(tunnel.Connected)
	step("the other cluster is left", map[string]float64{"{leaf,connected}": 2})
	two.Set("draining")
	step("a state of the program's own", map[string]float64{"{leaf,connected}": 1, "{leaf,draining}": 1})
	two.Close()
	clusters.Close()
	step("closed", map[string]float64{})
	one.Close()
}

func TestClusterTunnelHold(t *testing.T) {
	e := instrumentstest.New(t)
	clusters := tunnel.NewClusters(e.Registry)
	defer clusters.Close()
	gone := errors.New("gone")
	leaf := clusters.Open("leaf", tunnel.Connecting)
	during := ending(func() error {
		if got := clustersShown(t, e); !maps.Equal(got, map[string]float64{"{leaf,connected}": 1}) {
			t.Errorf("while it is held: got %v", got)
		}
		return gone
	})
	if err := leaf.Hold(during); err != gone {
		t.Errorf("got %v, want %v", err, gone)
	}
	func() {
		defer func() {
			if value := recover(); value != gone {
				t.Errorf("panicked with %v, want %v", value, gone)
			}
		}()
		_ = leaf.Hold(ending(func() error { panic(gone) }))
	}()
	if got := clustersShown(t, e); !maps.Equal(got, map[string]float64{"{leaf,disconnected}": 1}) {
		t.Errorf("afterwards: got %v", got)
	}
	leaf.Close()
	if got := clustersShown(t, e); len(got) != 0 {
		t.Errorf("closed: got %v", got)
	}
}

// No collection may see a tunnel in two states, or in none.
func TestClusterTunnelsMoveInOnePiece(t *testing.T) {
	e := instrumentstest.New(t)
	clusters := tunnel.NewClusters(e.Registry)
	defer clusters.Close()
	stop := make(chan struct{})
	var moving sync.WaitGroup
	for range 4 {
		leaf := clusters.Open("leaf", tunnel.Connecting)
		moving.Go(func() {
			defer leaf.Close()
			for {
				select {
				case <-stop:
					return
				default:
					leaf.Set(tunnel.Connected)
					leaf.Set(tunnel.Disconnected)
				}
			}
		})
	}
	for range 100 {
		var sum float64
		for _, value := range clustersShown(t, e) {
			sum += value
		}
		if sum != 4 {
			t.Errorf("got %v tunnels, want 4", sum)
			break
		}
	}
	close(stop)
	moving.Wait()
}

func TestClustersAboveTheBound(t *testing.T) {
	e := instrumentstest.New(t, instruments.WithSeriesLimit(3))
	clusters := tunnel.NewClusters(e.Registry)
	defer clusters.Close()
	var open []*tunnel.ClusterTunnel
	for i := range 5 {
		open = append(open, clusters.Open(fmt.Sprint("leaf", i), tunnel.Connected))
	}
	shown := clustersShown(t, e)
	if len(shown) != 3 || shown["{leaf0,connected}"] != 1 || shown["{leaf1,connected}"] != 1 {
		t.Errorf("got %v, want the first two and the overflow series", shown)
	}
	var sum float64
	for _, tunnels := range shown {
		sum += tunnels
	}
	if sum != 5 {
		t.Errorf("got %v, want 5 tunnels in all: those above the bound are added up", shown)
	}
	for _, leaf := range open {
		leaf.Close()
	}
	if shown := clustersShown(t, e); len(shown) != 0 {
		t.Errorf("got %v, want nothing left", shown)
	}
}
