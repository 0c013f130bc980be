package cache

import (
	"time"

	"github.com/telltale-agent/telltale/instruments"
)

// Observer counts the events of one cache. All methods are safe for concurrent
// use, take no lock and use no memory. A nil observer records nothing.
type Observer struct {
	events, stale *instruments.CounterCell
}

// New returns the observer of the cache with that name. From then on both of
// its counters are shown, at zero. Observers of the same name and registry add
// to the same counters.
func New(reg *instruments.Registry, name string) *Observer {
	at := instruments.Cache{Component: name}
	return &Observer{
		events: instruments.CacheEvents.In(reg).At(at),
		stale:  instruments.CacheStaleEvents.In(reg).At(at),
	}
}

// Event counts an event that arrives now, about an item that expires at the
// given time. The zero time means that it never expires, and fits events that
// have no item, such as deletions.
func (o *Observer) Event(expires time.Time) {
	o.arrival()
	if !expires.IsZero() {
		o.expiry(time.Now(), expires)
	}
}

// arrival counts an event. It comes before expiry, so that at no time there are
// more stale events than events.
func (o *Observer) arrival() {
	if o != nil {
		o.events.Inc()
	}
}

// expiry counts the event as stale if its item did not live when it arrived.
func (o *Observer) expiry(arrived, expires time.Time) {
	if o != nil && !expires.IsZero() && !expires.After(arrived) {
		o.stale.Inc()
	}
}
