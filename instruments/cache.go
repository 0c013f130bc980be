package instruments

// Cache is the label set of the cache event metrics.
type Cache struct {
	Component string `label:"cache_component"` // the cache's name, from a fixed list in its owner
}

// Events that caches receive from the stores they mirror.
var (
	// CacheEvents is counted by the cache's event loop through instruments/cache.
	CacheEvents = counterBy[Cache](Spec{
		Name:      "teleport_cache_events",
		Unit:      "{event}",
		Help:      "Events that each cache took in.",
		When:      "A cache's event loop receives an event and tells instruments/cache, before it looks at it.",
		Recorder:  "instruments/cache",
		Component: componentTeleport,
	})

	// CacheStaleEvents is counted by the same loop after CacheEvents.
	CacheStaleEvents = counterBy[Cache](Spec{
		Name:      "teleport_cache_stale_events",
		Unit:      "{event}",
		Help:      "Events whose item had expired by the time a cache took them in.",
		When:      "The item of an event counted in teleport_cache_events expires at the moment of its arrival, or has expired before, as instruments/cache finds.",
		Recorder:  "instruments/cache",
		Component: componentTeleport,
	})
)
