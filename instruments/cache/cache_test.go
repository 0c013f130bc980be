package cache_test

import (
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/telltale-agent/telltale/instruments"
	"github.com/telltale-agent/telltale/instruments/cache"
	"github.com/telltale-agent/telltale/instruments/instrumentstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The series of the cache that most tests use.
const usersEvents, usersStale = "teleport_cache_events{users}", "teleport_cache_stale_events{users}"

// users is what events of that cache leave behind.
func users(events, stale float64) instrumentstest.Values {
	return instrumentstest.Values{usersEvents: events, usersStale: stale}
}

func TestStaleIsWhatHasExpiredOnArrival(t *testing.T) {
	for _, row := range []struct {
		name    string
		expires func(now time.Time) time.Time
		stale   float64
	}{
		{"never", func(time.Time) time.Time { return time.Time{} }, 0},
		{"long ago", func(time.Time) time.Time { return time.Unix(0, 0) }, 1},
		{"before the year 1", func(time.Time) time.Time { return time.Time{}.Add(-time.Hour) }, 1},
		{"just before", func(now time.Time) time.Time { return now.Add(-1) }, 1},
		{"at arrival", func(now time.Time) time.Time { return now }, 1},
		{"at arrival, elsewhere", func(now time.Time) time.Time { return now.In(time.FixedZone("", 3600)) }, 1},
		{"just after", func(now time.Time) time.Time { return now.Add(1) }, 0},
		{"far away", func(now time.Time) time.Time { return now.AddDate(1000, 0, 0) }, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				exit := instrumentstest.New(t)
				cache.New(exit.Registry, "users").Event(row.expires(time.Now()))
				exit.WantRecorded(t, users(1, row.stale))
			})
		})
	}
}

func TestShownFromTheStart(t *testing.T) {
	exit := instrumentstest.New(t)
	cache.New(exit.Registry, "users")
	exit.WantShown(t, users(0, 0))
}

func TestCachesAreCountedApart(t *testing.T) {
	exit := instrumentstest.New(t)
	first, roles, again := cache.New(exit.Registry, "users"), cache.New(exit.Registry, "roles"), cache.New(exit.Registry, "users")
	first.Event(time.Time{})
	roles.Event(time.Unix(1, 0))
	again.Event(time.Unix(1, 0))
	exit.WantRecorded(t, instrumentstest.Values{
		usersEvents: 2, usersStale: 1,
		"teleport_cache_events{roles}": 1, "teleport_cache_stale_events{roles}": 1,
	})
}

// Collections run while every event is stale: none may see more stale events
// than events.
func TestStaleEventsStayASubset(t *testing.T) {
	exit := instrumentstest.New(t)
	const caches, each = 4, 20_000
	done := make(chan struct{})
	var counting sync.WaitGroup
	for range caches {
		counting.Go(func() {
			observer := cache.New(exit.Registry, "users")
			for range each {
				observer.Event(time.Unix(1, 0))
			}
		})
	}
	go func() {
		defer close(done)
		counting.Wait()
	}()
	for counted := false; !counted; {
		select {
		case <-done:
			counted = true
		default:
		}
		if got := exit.Collect(t); got[usersStale] > got[usersEvents] {
			t.Fatalf("got %v stale of %v events", got[usersStale], got[usersEvents])
		}
	}
	exit.WantRecorded(t, users(caches*each, caches*each))
}

// filled is a channel that holds the given events, and has no more.
func filled(events ...time.Time) chan time.Time {
	c := make(chan time.Time, len(events))
	for _, event := range events {
		c <- event
	}
	close(c)
	return c
}

func itself(expires time.Time) time.Time { return expires }

func TestWatch(t *testing.T) {
	exit := instrumentstest.New(t)
	events := []time.Time{{}, time.Unix(1, 0), time.Now().Add(time.Hour), time.Unix(2, 0)}
	got := slices.Collect(cache.Watch(cache.New(exit.Registry, "users"), filled(events...), itself))
	if !slices.Equal(got, events) {
		t.Errorf("got %v, want %v", got, events)
	}
	exit.WantRecorded(t, users(4, 2))
}

func TestWatchThatIsLeft(t *testing.T) {
	exit := instrumentstest.New(t)
	c := filled(time.Unix(1, 0), time.Unix(2, 0), time.Unix(3, 0))
	for range cache.Watch(cache.New(exit.Registry, "users"), c, nil) {
		break
	}
	if len(c) != 2 {
		t.Errorf("%d events are left in the channel, want 2", len(c))
	}
	exit.WantRecorded(t, users(1, 0))
}

func TestWatchCountsWhatPanics(t *testing.T) {
	exit := instrumentstest.New(t)
	panics := func(of any, loop func()) {
		t.Helper()
		defer func() {
			if got := recover(); got != of {
				t.Errorf("recovered %v, want %v", got, of)
			}
		}()
		loop()
	}
	panics("expires", func() {
		for range cache.Watch(cache.New(exit.Registry, "a"), filled(time.Unix(1, 0)), func(time.Time) time.Time { panic("expires") }) {
			t.Error("the loop got the event")
		}
	})
	panics("loop", func() {
		for range cache.Watch(cache.New(exit.Registry, "b"), filled(time.Unix(1, 0)), itself) {
			panic("loop")
		}
	})
	exit.WantRecorded(t, instrumentstest.Values{
		"teleport_cache_events{a}": 1, // the rule did not say whether it is stale
		"teleport_cache_events{b}": 1, "teleport_cache_stale_events{b}": 1,
	})
}

func TestWithoutRegistry(t *testing.T) {
	closed := instrumentstest.New(t)
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	for name, observer := range map[string]*cache.Observer{
		"nil registry": cache.New(nil, "users"), "closed": cache.New(closed.Registry, "users"), "nil": nil,
	} {
		t.Run(name, func(t *testing.T) {
			observer.Event(time.Unix(1, 0))
			if got := slices.Collect(cache.Watch(observer, filled(time.Unix(1, 0)), itself)); len(got) != 1 {
				t.Errorf("got %v, want the event", got)
			}
		})
	}
}

func TestNamesAreBounded(t *testing.T) {
	exit := instrumentstest.New(t, instruments.WithSeriesLimit(3))
	for _, name := range []string{"a", "b", "c", "d"} {
		cache.New(exit.Registry, name).Event(time.Unix(1, 0))
	}
	for _, name := range []string{"teleport_cache_events", "teleport_cache_stale_events"} {
		want := instrumentstest.Values{name + "{a}": 1, name + "{b}": 1, name + "{true}": 2} // the overflow series
		if got := exit.Collect(t).With(name); !maps.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}

func TestEventsAllocateNothing(t *testing.T) {
	observer := cache.New(instrumentstest.New(t).Registry, "users")
	expired := time.Unix(1, 0)
	if n := testing.AllocsPerRun(100, func() { observer.Event(expired) }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func BenchmarkEvent(b *testing.B) {
	expired := time.Unix(1, 0)
	for _, row := range []struct {
		name     string
		observer *cache.Observer
	}{
		{"nil", nil},
		{"measured", cache.New(instrumentstest.New(b).Registry, "users")},
	} {
		b.Run(row.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				row.observer.Event(expired)
			}
		})
	}
}
