package instruments

// The Go runtime under the names that scrapes of Go programs have always
// shown. Package goruntime reads all of them at collection, those of the heap
// in one go, so that they add up.

// GoVersion is the label set of go_info.
type GoVersion struct {
	Version string `label:"version"` // such as "go1.26.8"
}

// The runtime as a whole.
var (
	GoGoroutines = gauge(Spec{
		Name:      "go_goroutines",
		Unit:      "{goroutine}",
		Help:      "Goroutines that exist, without the runtime's own.",
		When:      "At each collection, from runtime.NumGoroutine.",
		Recorder:  "instruments/goruntime",
		Component: componentGolang,
		Sampled:   true,
	})

	GoThreads = gauge(Spec{
		Name:      "go_threads",
		Unit:      "{thread}",
		Help:      "Threads of the operating system that the program has created so far.",
		When:      "At each collection, from the thread creation profile.",
		Recorder:  "instruments/goruntime",
		Component: componentGolang,
		Sampled:   true,
	})

	GoInfo = gaugeBy[GoVersion](Spec{
		Name:      "go_info",
		Unit:      "1",
		Help:      "Always 1; the label tells which version of Go built the program.",
		When:      "At each collection, from runtime.Version.",
		Recorder:  "instruments/goruntime",
		Component: componentGolang,
		Sampled:   true,
	})

	GoGCPauses = summary(Spec{
		Name:      "go_gc_duration_seconds",
		Unit:      "s",
		Help:      "How long garbage collections stopped the program: quantiles of the latest pauses, total time and number of cycles.",
		When:      "At each collection, from debug.ReadGCStats.",
		Recorder:  "instruments/goruntime",
		Component: componentGolang,
		Sampled:   true,
	})
)
