package instruments

// ProcessState is observed by the agent from the snapshot that readiness
// probes are answered from, so that the two never disagree.
var ProcessState = gauge(Spec{
	Name:      "process_state",
	Unit:      "{state}",
	Help:      "State of the process as readiness probes see it: 0 ok, 1 recovering, 2 degraded, 3 starting.",
	When:      "At each collection, from the health of all components.",
	Recorder:  "agent",
	Component: componentTeleport,
	Sampled:   true,
})
