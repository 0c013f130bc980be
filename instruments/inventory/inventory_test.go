package inventory_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/telltale-agent/telltale/instruments"
	"github.com/telltale-agent/telltale/instruments/instrumentstest"
	"github.com/telltale-agent/telltale/instruments/inventory"
)

// pass lets time pass and everything that is due happen.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestServerStaysForTenMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := instrumentstest.New(t)
		inv := inventory.New(e.Registry, inventory.Options{})
		defer inv.Close()
		conn := connect(t, inv, node("a", "18.2.0"))
		pass(30 * time.Second)
		beat(t, conn)
		conn.Close()
		conn.Lost()
		e.WantShown(t, map[string]float64{received: 1, missed: 0, nodes: 0, version("18.2.0"): 1})
		pass(10*time.Minute - 1)
		e.WantShown(t, map[string]float64{missed: 0, version("18.2.0"): 1})
		pass(1)
		if got := versions(t, e); len(got) != 0 {
			t.Errorf("after ten minutes: got %v, want no version", got)
		}
		e.WantShown(t, map[string]float64{received: 1, missed: 0, nodes: 0})
		if inv.Servers() != 0 || inv.Connections() != 0 {
			t.Errorf("got %d servers and %d connections", inv.Servers(), inv.Connections())
		}
	})
}

func TestHungClientIsMissedUntilItIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := instrumentstest.New(t)
		inv := inventory.New(e.Registry, inventory.Options{})
		defer inv.Close()
		began := time.Now()
		at := func(d time.Duration, wantMissed, wantNodes float64) {
			t.Helper()
			pass(d - time.Since(began))
			e.WantShown(t, map[string]float64{missed: wantMissed, nodes: wantNodes})
		}
		conn := connect(t, inv, node("a", "18.2.0"))
		at(66*time.Second-1, 0, 1) // within the grace
		at(66*time.Second, 1, 1)
		at(126*time.Second-1, 1, 1)
		at(126*time.Second, 2, 1)
		at(546*time.Second, 9, 1)
		at(10*time.Minute-1, 9, 1)
		at(10*time.Minute, 9, 0)
		at(time.Hour, 9, 0) // nobody is missed who is not known

		beat(t, conn) // the stream was still there: the same connection
		e.WantShown(t, map[string]float64{received: 1, missed: 9, nodes: 1, version("18.2.0"): 1})
		at(time.Hour+66*time.Second, 10, 1)
		beat(t, conn)
		at(time.Hour+2*66*time.Second-1, 10, 1)
		beat(t, conn)
		conn.Lost() // broken off: it is missed until it is dropped
		at(2*time.Hour, 19, 0)
	})
}

func TestReconnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := instrumentstest.New(t)
		inv := inventory.New(e.Registry, inventory.Options{})
		defer inv.Close()
		first, second := connect(t, inv, node("a", "18.2.0")), connect(t, inv, node("a", "v18.3.0"))
		e.WantShown(t, map[string]float64{received: 2, nodes: 2})
		if got, want := versions(t, e), map[string]float64{"18.3.0": 1}; !maps.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		pass(30 * time.Second)
		beat(t, second)
		pass(60 * time.Second) // one beats, that will do for the server
		e.WantShown(t, map[string]float64{missed: 0})
		first.Close()
		pass(10 * time.Second) // the other one is still due
		e.WantShown(t, map[string]float64{missed: 1, nodes: 1})
		second.Close()
		pass(8 * time.Minute)
		e.WantShown(t, map[string]float64{missed: 1, nodes: 0, version("18.3.0"): 1})
		third := connect(t, inv, node("a", "18.4.0"))
		if got, want := versions(t, e), map[string]float64{"18.4.0": 1}; !maps.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		pass(66 * time.Second) // it has said goodbye before, and is due again
		e.WantShown(t, map[string]float64{missed: 2, nodes: 1})
		third.Close()
	})
}

// The timer waits for the far end of one server's time when another one comes.
func TestEarlierDeadlineThanTheTimerWaitsFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := instrumentstest.New(t)
		inv := inventory.New(e.Registry, inventory.Options{})
		defer inv.Close()
		connect(t, inv, node("gone", "18.2.0")).Close()
		pass(2 * time.Minute)
		connect(t, inv, node("silent", "18.2.0"))
		pass(66 * time.Second)
		e.WantShown(t, map[string]float64{missed: 1})
	})
}

// Two services on one host share the server, and not the connection's fate.
func TestOneOfTwoConnectionsHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := instrumentstest.New(t)
		inv := inventory.New(e.Registry, inventory.Options{})
		defer inv.Close()
		healthy := connect(t, inv, node("host", "18.2.0"))
		connect(t, inv, inventory.Announcement{ID: "host", Type: instruments.ResourceApp, Version: "18.2.0"})
		for range 20 {
			pass(30 * time.Second)
			beat(t, healthy)
		}
		e.WantShown(t, map[string]float64{nodes: 1, apps: 0, missed: 0, version("18.2.0"): 1})
	})
}

func TestAnnounceKeepsAConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := instrumentstest.New(t)
		inv := inventory.New(e.Registry, inventory.Options{})
		defer inv.Close()
		announce := func(a inventory.Announcement) {
			t.Helper()
			if err := inv.Announce(a); err != nil {
				t.Error(err)
			}
		}
		announce(node("a", "18.2.0"))
		pass(time.Minute)
		announce(node("a", "18.3.0"))
		e.WantShown(t, map[string]float64{received: 1, nodes: 1, missed: 0, version("18.3.0"): 1})
		announce(inventory.Announcement{ID: "a", Type: instruments.ResourceApp, Version: "18.3.0"})
		e.WantShown(t, map[string]float64{received: 2, nodes: 1, apps: 1, version("18.3.0"): 1})
		pass(10 * time.Minute)
		e.WantShown(t, map[string]float64{received: 2, nodes: 0, apps: 0, missed: 9})
		announce(node("a", "18.3.0"))
		e.WantShown(t, map[string]float64{received: 3, nodes: 1, missed: 9})
	})
}

func TestInvalidAnnouncements(t *testing.T) {
	e := instrumentstest.New(t)
	inv := inventory.New(e.Registry, inventory.Options{})
	defer inv.Close()
	for name, a := range map[string]inventory.Announcement{
		"no id":        {Type: instruments.ResourceNode},
		"long id":      node(strings.Repeat("a", 129), "1.0.0"),
		"space":        node("a b", "1.0.0"),
		"line":         node("a\nb", "1.0.0"),
		"no text":      node("\xff", "1.0.0"),
		"direction":    node("a\u202eb", "1.0.0"),
		"no type":      {ID: "a"},
		"unknown type": {ID: "a", Type: "toaster"},
	} {
		conn, err := inv.Connect(a)
		if !errors.Is(err, inventory.ErrInvalid) || conn != nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: Connect: got %v, %v", name, conn, err)
		}
		beat(t, conn)
		conn.Close()
		conn.Lost()
		if err := inv.Announce(a); !errors.Is(err, inventory.ErrInvalid) {
			t.Errorf("%s: Announce: got %v", name, err)
		}
	}
	e.WantShown(t, map[string]float64{received: 0, nodes: 0})
}

func TestClientsLieAboutTheirVersion(t *testing.T) {
	e := instrumentstest.New(t)
	inv := inventory.New(e.Registry, inventory.Options{MaxVersions: 3})
	defer inv.Close()
	for i := range 20 {
		connect(t, inv, node(fmt.Sprint("liar", i), fmt.Sprintf("99.0.%d", i)))
		connect(t, inv, node(fmt.Sprint("fool", i), "latest\n# TYPE"))
	}
	for i := range 5 {
		connect(t, inv, node(fmt.Sprint("new", i), "18.3.0"))
		connect(t, inv, node(fmt.Sprint("old", i), "v18.2.0+abcdef"))
	}
	want := map[string]float64{"unknown": 20, "18.2.0": 5, "18.3.0": 5, "other": 20}
	if got := versions(t, e); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// lines is a log without times.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
}

func (l *lines) want(t *testing.T, want string) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if got := l.text.String(); got != want {
		t.Errorf("log: got\n%swant\n%s", got, want)
	}
}

const (
	lineFull = "level=WARN msg=\"inventory is full: announcements are refused\" component=inventory"
	lineRoom = "level=INFO msg=\"inventory has room again\" component=inventory"
)

func TestFloodOfServers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, log := instrumentstest.New(t), &lines{}
		inv := inventory.New(e.Registry, inventory.Options{MaxServers: 1000, Logger: log.logger()})
		defer inv.Close()
		var first *inventory.Connection
		for i := range 5000 {
			conn, err := inv.Connect(node(fmt.Sprint(i), "18.2.0"))
			if full := i >= 1000; full != errors.Is(err, inventory.ErrFull) || full != (conn == nil) {
				t.Fatalf("connection %d: got %v", i, err)
			}
			if i == 0 {
				first = conn
			}
		}
		e.WantShown(t, map[string]float64{received: 1000, nodes: 1000, version("18.2.0"): 1000})
		log.want(t, lineFull+" servers=1000 connections=1000\n")
		connect(t, inv, node("0", "18.2.0")) // who is known may come again
		if err := inv.Announce(node("one-more", "18.2.0")); !errors.Is(err, inventory.ErrFull) {
			t.Errorf("got %v, want %v", err, inventory.ErrFull)
		}
		pass(9 * time.Minute)
		beat(t, first)
		pass(time.Minute)
		e.WantShown(t, map[string]float64{nodes: 1, version("18.2.0"): 1, missed: 9*999 + 8})
		log.want(t, lineFull+" servers=1000 connections=1000\n"+lineRoom+" servers=1 connections=1\n")
		connect(t, inv, node("one-more", "18.2.0"))
	})
}

func TestFloodOfConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, log := instrumentstest.New(t), &lines{}
		inv := inventory.New(e.Registry, inventory.Options{MaxConnections: 10, Logger: log.logger()})
		defer inv.Close()
		var conns []*inventory.Connection
		for range 10 {
			conns = append(conns, connect(t, inv, node("a", "18.2.0")))
		}
		for range 3 {
			if _, err := inv.Connect(node("b", "18.2.0")); !errors.Is(err, inventory.ErrFull) {
				t.Errorf("got %v, want %v", err, inventory.ErrFull)
			}
		}
		e.WantShown(t, map[string]float64{received: 10, nodes: 10, version("18.2.0"): 1})
		pass(9 * time.Minute)
		for _, conn := range conns[1:] {
			beat(t, conn)
		}
		pass(time.Minute)
		e.WantShown(t, map[string]float64{nodes: 9})
		connect(t, inv, node("a", "18.2.0"))
		if err := conns[0].Heartbeat(); !errors.Is(err, inventory.ErrFull) {
			t.Errorf("the silent one comes back: got %v, want %v", err, inventory.ErrFull)
		}
		conns[1].Close()
		beat(t, conns[0])
		e.WantShown(t, map[string]float64{received: 11, nodes: 10})
	})
}

// Connections that come and go must leave nothing behind that waits for its time.
func TestChurnLeavesNothing(t *testing.T) {
	inv := inventory.New(nil, inventory.Options{MaxServers: 10})
	defer inv.Close()
	for i := range 100_000 {
		conn := connect(t, inv, node(fmt.Sprint(i%10), "18.2.0"))
		if i%2 == 0 {
			conn.Close()
		} else {
			conn.Lost()
		}
	}
	if inv.Servers() != 10 || inv.Connections() != 0 || inv.Alarms() != 10 {
		t.Errorf("got %d servers, %d connections, %d alarms", inv.Servers(), inv.Connections(), inv.Alarms())
	}
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := instrumentstest.New(t)
		inv := inventory.New(e.Registry, inventory.Options{})
		conn := connect(t, inv, node("a", "18.2.0"))
		connect(t, inv, inventory.Announcement{ID: "b", Type: instruments.ResourceApp, Version: "18.2.0"})
		other := inventory.New(e.Registry, inventory.Options{})
		defer other.Close()
		connect(t, other, node("c", "17.0.0"))
		e.WantShown(t, map[string]float64{nodes: 2, apps: 1})
		inv.Close()
		inv.Close()
		if err := conn.Heartbeat(); !errors.Is(err, inventory.ErrClosed) {
			t.Errorf("Heartbeat: got %v", err)
		}
		if _, err := inv.Connect(node("d", "")); !errors.Is(err, inventory.ErrClosed) {
			t.Errorf("Connect: got %v", err)
		}
		if err := inv.Announce(node("d", "")); !errors.Is(err, inventory.ErrClosed) {
			t.Errorf("Announce: got %v", err)
		}
		conn.Close()
		conn.Lost()
		e.WantShown(t, map[string]float64{nodes: 1, apps: 0, received: 3})
		if got, want := versions(t, e), map[string]float64{"17.0.0": 1}; !maps.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		if inv.Servers() != 0 || inv.Connections() != 0 {
			t.Errorf("got %d servers and %d connections", inv.Servers(), inv.Connections())
		}
		pass(time.Hour)
		e.WantShown(t, map[string]float64{nodes: 0, missed: 9})
	})
}

func TestEverythingAtOnce(t *testing.T) {
	e, closed := instrumentstest.New(t), instrumentstest.New(t)
	_ = closed.Close()
	for name, reg := range map[string]*instruments.Registry{"live": e.Registry, "nil": nil, "closed": closed.Registry} {
		t.Run(name, func(t *testing.T) {
			// So short that everything expires all the time.
			inv := inventory.New(reg, inventory.Options{TTL: time.Millisecond, Interval: 100 * time.Microsecond})
			var workers sync.WaitGroup
			for i := range 16 {
				workers.Go(func() {
					for n := range 200 {
						a := node(fmt.Sprint(i%4), fmt.Sprintf("1.0.%d", n%5))
						conn := connect(t, inv, a)
						beat(t, conn)
						_ = inv.Announce(a)
						if n%20 == 0 {
							_ = e.Collect(t)
						}
						workers.Go(conn.Close)
						workers.Go(conn.Lost)
						workers.Go(func() { _ = conn.Heartbeat() })
					}
				})
			}
			workers.Wait()
			inv.Close()
			if inv.Connections() != 0 {
				t.Errorf("got %d connections", inv.Connections())
			}
		})
	}
	e.WantShown(t, map[string]float64{nodes: 0})
	if got := versions(t, e); len(got) != 0 {
		t.Errorf("got %v, want no version", got)
	}
}

func TestHeartbeatsAllocateNothing(t *testing.T) {
	inv := inventory.New(instrumentstest.New(t).Registry, inventory.Options{})
	defer inv.Close()
	conn := connect(t, inv, node("a", "18.2.0"))
	if allocs := testing.AllocsPerRun(100, func() { _ = conn.Heartbeat() }); allocs != 0 {
		t.Errorf("got %v allocations, want none", allocs)
	}
}
