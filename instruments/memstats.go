package instruments

// The memory of the Go runtime, under the names of the fields of
// runtime.MemStats. Package goruntime reads all of them in one go at
// collection, so that they add up, and without stopping the world. What is
// called sys is address space, of which a part may not be backed by memory.
var (
	GoAllocatedBytes = counter(Spec{
		Name:      "go_memstats_alloc_bytes_total",
		Unit:      "By",
		Help:      "Bytes allocated on the heap since the program began, freed or not.",
		When:      "At each collection, from /gc/heap/allocs:bytes.",
		Recorder:  "instruments/goruntime",
		Component: componentGolang,
		Sampled:   true,
	})

	GoAllocBytes = gauge(Spec{
		Name:      "go_memstats_alloc_bytes",
		Unit:      "By",
		Help:      "Bytes of heap objects that are allocated and not yet swept.",
		When:      "At each collection, from /memory/classes/heap/objects:bytes.",
		Recorder:  "instruments/goruntime",
		Component: componentGolang,
		Sampled:   true,
	})

	GoBuckHashSysBytes = gauge(Spec{
		Name:      "go_memstats_buck_hash_sys_bytes",
		Unit:      "By",
		Help:      "Bytes taken by the hash table behind memory and contention profiles.",
		When:      "At each collection, from /memory/classes/profiling/buckets:bytes.",
		Recorder:  "instruments/goruntime",
		Component: componentGolang,
		Sampled:   true,
	})

	GoFrees = counter(Spec{
		Name:      "go_memstats_frees_total",
		Unit:      "{object}",
		Help:      "Heap objects freed since the program began, tiny ones included.",
		When:      "At each collection, from /gc/heap/frees:objects and /gc/heap/tiny/allocs:objects.",
		Recorder:  "instruments/goruntime",
		Component: componentGolang,
		Sampled:   true,
	})

	GoGCCPUFraction = gauge(Spec{
		Name:      "go_memstats_gc_cpu_fraction",
		Unit:      "1",
		Help:      "Share of the available CPU time that garbage collection has taken since the program began, idle marking left out.",
		When:      "At each collection, from /cpu/classes/gc/total, less mark/idle, over /cpu/classes/total.",
		Recorder:  "instruments/goruntime",
		Component: componentGolang,
		Sampled:   true,
	})

	GoGCSysBytes = gauge(Spec{
		Name:      "go_memstats_gc_sys_bytes",
		Unit:      "By",
		Help:      "Bytes taken by the bookkeeping of the garbage collector.",
		When:      "At each collection, from /memory/classes/metadata/other:bytes.",
		Recorder:  "instruments/goruntime",
		Component: componentGolang,
		Sampled:   true,
	})

	GoHeapAllocBytes = gauge(Spec{
		Name:      "go_memstats_heap_alloc_bytes",
		Unit:      "By",
		Help:      "Bytes of heap objects that are allocated and not yet swept, the same as go_memstats_alloc_bytes.",
		When:      "At each collection, from /memory/classes/heap/objects:bytes.",
		Recorder:  "instruments/goruntime",
		Component: componentGolang,
		Sampled:   true,
	})

	GoHeapIdleBytes = gauge(Spec{
		Name:      "go_memstats_heap_idle_bytes",
		Unit:      "By",
		Help:      "Bytes of heap spans that hold no object, given back to the operating system or not.",
		When:      "At each collection, from /memory/classes/heap/released and free.",
		Recorder:  "instruments/goruntime",
		Component: componentGolang,
		Sampled:   true,
	})

	GoHeapInuseBytes = gauge(Spec{
		Name:      "go_memstats_heap_inuse_bytes",
		Unit:      "By",
		Help:      "Bytes of heap spans that hold at least one object.",
		When:      "At each collection, from /memory/classes/heap/objects and unused.",
		Recorder:  "instruments/goruntime",
		Component: componentGolang,
		Sampled:   true,
	})

	GoHeapObjects = gauge(Spec{
		Name:      "go_memstats_heap_objects",
		Unit:      "{object}",
		Help:      "Heap objects that are allocated and not yet swept.",
		When:      "At each collection, from /gc/heap/objects:objects.",
		Recorder:  "instruments/goruntime",
		Component: componentGolang,
		Sampled:   true,
	})

	GoHeapReleasedBytes = gauge(Spec{
		Name:      "go_memstats_heap_released_bytes",
		Unit:      "By",
		Help:      "Bytes of idle heap spans that were given back to the operating system.",
		When:      "At each collection, from /memory/classes/heap/released:bytes.",
		Recorder:  "instruments/goruntime",
		Component: componentGolang,
		Sampled:   true,
	})

	GoHeapSysBytes = gauge(Spec{
		Name:      "go_memstats_heap_sys_bytes",
		Unit:      "By",
		Help:      "Bytes of address space that the heap has got from the operating system, used or not.",
		When:      "At each collection, from /memory/classes/heap/objects, unused, released and free.",
		Recorder:  "instruments/goruntime",
		Component: componentGolang,
		Sampled:   true,
	})

	GoLastGCTime = gauge(Spec{
		Name:      "go_memstats_last_gc_time_seconds",
		Unit:      "s",
		Help:      "Moment at which the last garbage collection ended, in seconds since 1970; 0 before the first.",
		When:      "At each collection, from debug.ReadGCStats.",
		Recorder:  "instruments/goruntime",
		Component: componentGolang,
		Sampled:   true,
	})

	GoLookups = counter(Spec{
		Name:      "go_memstats_lookups_total",
		Unit:      "{lookup}",
		Help:      "Pointer look-ups by the runtime, which no present version of Go performs: always 0.",
		When:      "At each collection, from a constant.",
		Recorder:  "instruments/goruntime",
		Component: componentGolang,
		Sampled:   true,
	})

	GoMallocs = counter(Spec{
		Name:      "go_memstats_mallocs_total",
		Unit:      "{object}",
		Help:      "Heap objects allocated since the program began, tiny ones included.",
		When:      "At each collection, from /gc/heap/allocs:objects and /gc/heap/tiny/allocs:objects.",
		Recorder:  "instruments/goruntime",
		Component: componentGolang,
		Sampled:   true,
	})

	GoMCacheInuseBytes = gauge(Spec{
		Name:      "go_memstats_mcache_inuse_bytes",
		Unit:      "By",
		Help:      "Bytes of per-processor allocation caches in use.",
		When:      "At each collection, from /memory/classes/metadata/mcache/inuse:bytes.",
		Recorder:  "instruments/goruntime",
		Component: componentGolang,
		Sampled:   true,
	})

	GoMCacheSysBytes = gauge(Spec{
		Name:      "go_memstats_mcache_sys_bytes",
		Unit:      "By",
		Help:      "Bytes set aside for per-processor allocation caches.",
		When:      "At each collection, from /memory/classes/metadata/mcache/inuse and free.",
		Recorder:  "instruments/goruntime",
		Component: componentGolang,
		Sampled:   true,
	})

	GoMSpanInuseBytes = gauge(Spec{
		Name:      "go_memstats_mspan_inuse_bytes",
		Unit:      "By",
		Help:      "Bytes of span descriptors in use.",
		When:      "At each collection, from /memory/classes/metadata/mspan/inuse:bytes.",
		Recorder:  "instruments/goruntime",
		Component: componentGolang,
		Sampled:   true,
	})

	GoMSpanSysBytes = gauge(Spec{
		Name:      "go_memstats_mspan_sys_bytes",
		Unit:      "By",
		Help:      "Bytes set aside for span descriptors.",
		When:      "At each collection, from /memory/classes/metadata/mspan/inuse and free.",
		Recorder:  "instruments/goruntime",
		Component: componentGolang,
		Sampled:   true,
	})

	GoNextGCBytes = gauge(Spec{
		Name:      "go_memstats_next_gc_bytes",
		Unit:      "By",
		Help:      "Size of the heap that the next garbage collection aims to end by.",
		When:      "At each collection, from /gc/heap/goal:bytes.",
		Recorder:  "instruments/goruntime",
		Component: componentGolang,
		Sampled:   true,
	})

	GoOtherSysBytes = gauge(Spec{
		Name:      "go_memstats_other_sys_bytes",
		Unit:      "By",
		Help:      "Bytes that the runtime takes for anything that has no metric of its own here.",
		When:      "At each collection, from /memory/classes/other:bytes.",
		Recorder:  "instruments/goruntime",
		Component: componentGolang,
		Sampled:   true,
	})

	GoStackInuseBytes = gauge(Spec{
		Name:      "go_memstats_stack_inuse_bytes",
		Unit:      "By",
		Help:      "Bytes of goroutine stacks, which are part of the heap's address space.",
		When:      "At each collection, from /memory/classes/heap/stacks:bytes.",
		Recorder:  "instruments/goruntime",
		Component: componentGolang,
		Sampled:   true,
	})

	GoStackSysBytes = gauge(Spec{
		Name:      "go_memstats_stack_sys_bytes",
		Unit:      "By",
		Help:      "Bytes got from the operating system for stacks of goroutines and threads.",
		When:      "At each collection, from /memory/classes/heap/stacks and os-stacks.",
		Recorder:  "instruments/goruntime",
		Component: componentGolang,
		Sampled:   true,
	})

	GoSysBytes = gauge(Spec{
		Name:      "go_memstats_sys_bytes",
		Unit:      "By",
		Help:      "Bytes of address space that the runtime has got from the operating system for every purpose.",
		When:      "At each collection, from /memory/classes/total:bytes.",
		Recorder:  "instruments/goruntime",
		Component: componentGolang,
		Sampled:   true,
	})
)
