package instruments

// The process as the operating system sees it. Package process reads them at
// collection; they are absent where there is no /proc.
var (
	ProcessCPUSeconds = counter(Spec{
		Name:      "process_cpu_seconds_total",
		Unit:      "s",
		Help:      "CPU time that the process has used in user and kernel mode.",
		When:      "At each collection, from /proc/self/stat.",
		Recorder:  "instruments/process",
		Component: componentGolang,
		Sampled:   true,
	})

	ProcessMaxFDs = gauge(Spec{
		Name:      "process_max_fds",
		Unit:      "{file_descriptor}",
		Help:      "File descriptors that the process may have open: its soft limit.",
		When:      "At each collection, from /proc/self/limits.",
		Recorder:  "instruments/process",
		Component: componentGolang,
		Sampled:   true,
	})

	ProcessOpenFDs = gauge(Spec{
		Name:      "process_open_fds",
		Unit:      "{file_descriptor}",
		Help:      "File descriptors that the process has open.",
		When:      "At each collection, from the entries of /proc/self/fd, without the one that the reading itself needs.",
		Recorder:  "instruments/process",
		Component: componentGolang,
		Sampled:   true,
	})

	ProcessResidentMemoryBytes = gauge(Spec{
		Name:      "process_resident_memory_bytes",
		Unit:      "By",
		Help:      "Memory of the process that is in RAM.",
		When:      "At each collection, from /proc/self/stat.",
		Recorder:  "instruments/process",
		Component: componentGolang,
		Sampled:   true,
	})

	ProcessStartTime = gauge(Spec{
		Name:      "process_start_time_seconds",
		Unit:      "s",
		Help:      "Moment at which the process was started, in seconds since 1970.",
		When:      "At each collection, from /proc/self/stat and the boot time in /proc/stat.",
		Recorder:  "instruments/process",
		Component: componentGolang,
		Sampled:   true,
	})

	ProcessVirtualMemoryBytes = gauge(Spec{
		Name:      "process_virtual_memory_bytes",
		Unit:      "By",
		Help:      "Address space that the process has mapped.",
		When:      "At each collection, from /proc/self/stat.",
		Recorder:  "instruments/process",
		Component: componentGolang,
		Sampled:   true,
	})

	ProcessVirtualMemoryMaxBytes = gauge(Spec{
		Name:      "process_virtual_memory_max_bytes",
		Unit:      "By",
		Help:      "Address space that the process may map: its soft limit, or 1.8446744073709552e+19 without one.",
		When:      "At each collection, from /proc/self/limits.",
		Recorder:  "instruments/process",
		Component: componentGolang,
		Sampled:   true,
	})
)
