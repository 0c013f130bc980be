package instruments

// Watched is the label set of watcher_events.
type Watched struct {
	Resource string `label:"resource"` // the kind of resource, from the fixed list that can be watched
}

// Events sent to those who watch the backend for changes. Both metrics are
// recorded for each event where it is received, by the interceptor of package
// instruments/etcd. A program that hands events on to watchers of its own, and
// has none there, can record them where it sends them.
var (
	// WatcherEventSizes is recorded together with WatcherEvents.
	WatcherEventSizes = histogram(Spec{
		Name:      "watcher_event_sizes",
		Unit:      "By",
		Help:      "Sizes of the events that went out to watchers, over all resources.",
		When:      "A watch through instruments/etcd receives an event.",
		Recorder:  "instruments/etcd",
		Buckets:   eventSizeBuckets,
		Component: componentCache,
	})

	// WatcherEvents is recorded together with WatcherEventSizes.
	WatcherEvents = histogramBy[Watched](Spec{
		Name:      "watcher_events",
		Unit:      "By",
		Help:      "Sizes of the events that went out to watchers, by resource; the count tells how many there were.",
		When:      "A watch through instruments/etcd receives an event, whose resource the caller's rule finds out from its key.",
		Recorder:  "instruments/etcd",
		Buckets:   resourceSizeBuckets,
		Component: componentCache,
	})
)
