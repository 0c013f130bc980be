package instruments

// Heartbeats of servers, as the auth service receives them. They are not the
// heartbeats of the agent's own components; see ComponentHeartbeats for those.
var (
	// HeartbeatsMissed is counted by the auth service's watch over its servers.
	HeartbeatsMissed = counter(Spec{
		Name:      "heartbeat_connections_missed_total",
		Unit:      "{heartbeat}",
		Help:      "Heartbeats of nodes that were due at the auth service and did not come in time.",
		When:      "The interval in which a node should have sent a heartbeat ends without one, and so does a tenth of it more; once per node and interval, until the node is dropped.",
		Recorder:  "instruments/inventory",
		Component: componentAuth,
	})

	// HeartbeatConnections is counted by the auth service's heartbeat listener.
	HeartbeatConnections = counter(Spec{
		Name:      "heartbeat_connections_received_total",
		Unit:      "{connection}",
		Help:      "Connections for heartbeats that the auth service has accepted.",
		When:      "The auth service accepts a connection on which heartbeats will come; the heartbeats themselves do not count.",
		Recorder:  "instruments/inventory",
		Component: componentAuth,
	})
)
