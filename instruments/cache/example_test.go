package cache_test

import (
	"fmt"
	"time"

	"github.com/telltale-agent/telltale/instruments/cache"
	"github.com/telltale-agent/telltale/instruments/instrumentstest"
)

// change is an event about a user.
type change struct {
	user    string
	expires time.Time
}

func (c change) expiry() time.Time { return c.expires }

// A cache that reads its events from a channel has them counted on the way.
func ExampleWatch() {
	exit := instrumentstest.Open() // a program has an agent: agent.Instruments()
	defer exit.Close()

	changes := make(chan change, 2)
	changes <- change{user: "alice"}
	changes <- change{user: "temporary", expires: time.Now().Add(-time.Minute)} // stale
	close(changes)

	users := map[string]bool{}
	for c := range cache.Watch(cache.New(exit.Registry, "users"), changes, change.expiry) {
		if c.expires.IsZero() || c.expires.After(time.Now()) {
			users[c.user] = true
		}
	}
	fmt.Println(users)
	fmt.Print(exit.Show("teleport_cache"))
	// Output:
	// map[alice:true]
	// teleport_cache_events{users} 2
	// teleport_cache_stale_events{users} 1
}

// A cache that gets its events in another way tells of each.
func ExampleObserver_Event() {
	exit := instrumentstest.Open() // a program has an agent: agent.Instruments()
	defer exit.Close()

	events := cache.New(exit.Registry, "sessions")

	onPut := func(expires time.Time) {
		events.Event(expires)
		// …
	}
	onDelete := func() {
		events.Event(time.Time{}) // nothing that could expire
		// …
	}
	onPut(time.Now().Add(time.Hour))
	onDelete()
	fmt.Print(exit.Show("teleport_cache"))
	// Output: teleport_cache_events{sessions} 2
}
