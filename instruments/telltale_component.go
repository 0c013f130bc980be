package instruments

// Component is the label set of what is told about one component of the
// agent's health.
type Component struct {
	Component string `label:"component"` // the name it was declared with
}

// HeartbeatResult says what a component reported.
type HeartbeatResult string

// The reports of components.
const (
	HeartbeatOK   HeartbeatResult = "ok"
	HeartbeatFail HeartbeatResult = "fail"
	HeartbeatSkip HeartbeatResult = "skip"
)

// Heartbeat is the label set of telltale_component_heartbeats_total.
type Heartbeat struct {
	Component string          `label:"component"`
	Result    HeartbeatResult `label:"result"`
}

// ComponentTransition is the label set of telltale_component_transitions_total.
type ComponentTransition struct {
	Component string `label:"component"`
	State     string `label:"state"` // the one that was entered: ok, recovering, degraded or starting
}

// What the agent tells about its components. All of it is observed from the
// snapshot that probes are answered from.
var (
	// ComponentState is observed by the agent.
	ComponentState = gaugeBy[Component](Spec{
		Name:      "telltale_component_state",
		Unit:      "{state}",
		Help:      "State of each component, in the numbers of process_state.",
		When:      "At each collection, from the component's health.",
		Recorder:  "agent",
		Component: selfComponent,
		Sampled:   true,
	})

	// ComponentHeartbeats is observed by the agent.
	ComponentHeartbeats = counterBy[Heartbeat](Spec{
		Name:      "telltale_component_heartbeats_total",
		Unit:      "{heartbeat}",
		Help:      "Heartbeats that each component has sent, by what they reported.",
		When:      "At each collection, from what the component has counted since it was declared.",
		Recorder:  "agent",
		Component: selfComponent,
		Sampled:   true,
	})

	// ComponentTransitions is observed by the agent.
	ComponentTransitions = counterBy[ComponentTransition](Spec{
		Name:      "telltale_component_transitions_total",
		Unit:      "{transition}",
		Help:      "Changes of each component's state, by the state that was entered.",
		When:      "At each collection, from what the component has counted since it was declared.",
		Recorder:  "agent",
		Component: selfComponent,
		Sampled:   true,
	})

	// ComponentLastOK is observed by the agent.
	ComponentLastOK = gaugeBy[Component](Spec{
		Name:      "telltale_component_last_ok_timestamp_seconds",
		Unit:      "s",
		Help:      "Moment of each component's last good heartbeat, in seconds since 1970; 0 before the first.",
		When:      "At each collection, from the component's health.",
		Recorder:  "agent",
		Component: selfComponent,
		Sampled:   true,
	})
)
