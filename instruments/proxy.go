package instruments

// Connections that users make through the proxy.
var (
	// ConnectToNodeAttempts is counted by the proxy's router.
	ConnectToNodeAttempts = counter(Spec{
		Name:      "teleport_connect_to_node_attempts_total",
		Unit:      "{attempt}",
		Help:      "Attempts to connect to a node, with or without success.",
		When:      "The proxy starts to dial a node on behalf of a user.",
		Recorder:  "instruments/tunnel",
		Component: componentProxy,
	})

	// ConnectToNodeFailures is counted after ConnectToNodeAttempts, for the same attempt.
	ConnectToNodeFailures = counter(Spec{
		Name:      "failed_connect_to_node_attempts_total",
		Unit:      "{attempt}",
		Help:      "Attempts to connect a user to a node that came to nothing.",
		When:      "An attempt that teleport_connect_to_node_attempts_total has counted ends without a connection.",
		Recorder:  "instruments/tunnel",
		Component: componentProxy,
	})

	// ProxyConnectionsRefused is counted by the proxy's connection limiter.
	ProxyConnectionsRefused = counter(Spec{
		Name:      "proxy_connection_limit_exceeded_total",
		Unit:      "{connection}",
		Help:      "Connections that the proxy turned away because as many as allowed were open.",
		When:      "The proxy's connection limiter refuses a connection.",
		Recorder:  "instruments/ssh",
		Component: componentProxy,
	})
)
