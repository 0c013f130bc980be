// Package cache counts the events that a cache receives about what it mirrors.
//
// A cache makes one [Observer], and tells it of each event as it arrives:
//
//	events := cache.New(registry, "users")
//	for event := range watch {
//		events.Event(event.Expires())
//		…
//	}
//
// or has it look at the channel that the events come from:
//
//	for event := range cache.Watch(events, watch, Event.Expires) { … }
//
// The metrics have the cache's name as label cache_component:
//
//   - teleport_cache_events: every event.
//   - teleport_cache_stale_events: those whose item expires at the moment of
//     arrival, or has expired before. An item that never expires is never stale.
//     No collection shows more of them than of teleport_cache_events.
//
// Names of caches come from a fixed list. Above the registry's series limit,
// they go to the overflow series.
//
// With a nil or a closed registry the observer works and records nothing.
package cache
