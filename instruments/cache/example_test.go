package cache_test

import (
	"fmt"
	"time"

	"github.com/telltale-agent/telltale/instruments"
	"github.com/telltale-agent/telltale/instruments/cache"
)

// change is an event about a user.
type change struct {
	user    string
	expires time.Time
}

func (c change) expiry() time.Time { return c.expires }

// A cache that reads its events from a channel has them counted on the way.
func ExampleWatch() {
	changes := make(chan change, 2)
	changes <- change{user: "alice"}
	changes <- change{user: "temporary", expires: time.Now().Add(-time.Minute)} // stale
	close(changes)

	var registry *instruments.Registry // agent.Instruments()
	users := map[string]bool{}
	for c := range cache.Watch(cache.New(registry, "users"), changes, change.expiry) {
		if c.expires.IsZero() || c.expires.After(time.Now()) {
			users[c.user] = true
		}
	}
	fmt.Println(users)
	// Output: map[alice:true]
}

// A cache that gets its events in another way tells of each.
func ExampleObserver_Event() {
	var registry *instruments.Registry // agent.Instruments()
	events := cache.New(registry, "sessions")

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
	// Output:
}
