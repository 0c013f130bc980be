package instruments

// The Go runtime once more, under the names of OpenTelemetry's semantic
// conventions. OpenTelemetry's own runtime instrumentation creates and records
// these, and caches what it has read for a while; nothing else may.
var (
	// RuntimeMemoryUsed and its like stand in the catalogue for documentation only.
	RuntimeMemoryUsed = external(KindGauge, Spec{
		Name:      "go_memory_used",
		Unit:      "By",
		Help:      "Memory used by the Go runtime, for stacks and for everything else.",
		When:      semconvWhen,
		Recorder:  "agent",
		Component: componentGolang,
	}, "go.memory.used", "go_memory_type")

	// RuntimeMemoryLimit is absent while no limit is set.
	RuntimeMemoryLimit = external(KindGauge, Spec{
		Name:      "go_memory_limit",
		Unit:      "By",
		Help:      "Memory that the Go runtime tries to stay below, where a limit is set.",
		When:      "At each collection in which GOMEMLIMIT is in force, by OpenTelemetry's runtime instrumentation.",
		Recorder:  "agent",
		Component: componentGolang,
	}, "go.memory.limit")

	// RuntimeMemoryAllocated counts what GoAllocatedBytes counts.
	RuntimeMemoryAllocated = external(KindCounter, Spec{
		Name:      "go_memory_allocated",
		Unit:      "By",
		Help:      "Bytes allocated on the heap by the program.",
		When:      semconvWhen,
		Recorder:  "agent",
		Component: componentGolang,
	}, "go.memory.allocated")

	// RuntimeMemoryAllocations does not count tiny objects, other than GoMallocs.
	RuntimeMemoryAllocations = external(KindCounter, Spec{
		Name:      "go_memory_allocations",
		Unit:      "{allocation}",
		Help:      "Allocations on the heap by the program, where tiny objects that share a block count as one.",
		When:      semconvWhen,
		Recorder:  "agent",
		Component: componentGolang,
	}, "go.memory.allocations")

	// RuntimeMemoryGCGoal shows what GoNextGCBytes shows.
	RuntimeMemoryGCGoal = external(KindGauge, Spec{
		Name:      "go_memory_gc_goal",
		Unit:      "By",
		Help:      "Size of the heap that the present cycle of garbage collection aims at.",
		When:      semconvWhen,
		Recorder:  "agent",
		Component: componentGolang,
	}, "go.memory.gc.goal")

	// RuntimeGoroutineCount is larger than GoGoroutines by the runtime's own.
	RuntimeGoroutineCount = external(KindGauge, Spec{
		Name:      "go_goroutine_count",
		Unit:      "{goroutine}",
		Help:      "Live goroutines, among them those of the runtime, which go_goroutines leaves out.",
		When:      semconvWhen,
		Recorder:  "agent",
		Component: componentGolang,
	}, "go.goroutine.count")

	// RuntimeProcessorLimit is GOMAXPROCS.
	RuntimeProcessorLimit = external(KindGauge, Spec{
		Name:      "go_processor_limit",
		Unit:      "{thread}",
		Help:      "Threads that may run Go code at the same time.",
		When:      semconvWhen,
		Recorder:  "agent",
		Component: componentGolang,
	}, "go.processor.limit")

	// RuntimeConfigGOGC is GOGC.
	RuntimeConfigGOGC = external(KindGauge, Spec{
		Name:      "go_config_gogc",
		Unit:      "%",
		Help:      "How much the heap may grow between garbage collections, in percent: the setting GOGC, or 100.",
		When:      semconvWhen,
		Recorder:  "agent",
		Component: componentGolang,
	}, "go.config.gogc")
)

const semconvWhen = "At each collection, by OpenTelemetry's runtime instrumentation, which reads at most once in 15 seconds."
