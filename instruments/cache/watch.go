package cache

import (
	"iter"
	"time"
)

// Watch returns the events of a channel, in their order, and counts each as it
// is received, before the loop sees it. Expires tells when the item of an event
// expires; the zero time, or no such function, means never. A panic of expires
// leaves the loop; the event it was asked about is counted.
//
// The sequence ends with the channel, or with the loop, and holds no event
// back: what the loop has not seen is still in the channel. It starts no
// goroutine.
func Watch[E any](o *Observer, events <-chan E, expires func(E) time.Time) iter.Seq[E] {
	return func(yield func(E) bool) {
		for event := range events {
			o.arrival()
			if expires != nil {
				o.expiry(time.Now(), expires(event))
			}
			if !yield(event) {
				return
			}
		}
	}
}
