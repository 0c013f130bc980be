package instruments

// SSH sessions and their traffic, seen from the server.
var (
	// SSHBytesReceived is counted by the wrapped connection of instruments/ssh.
	SSHBytesReceived = counter(Spec{
		Name:      "rx",
		Unit:      "By",
		Help:      "Bytes that came in over SSH connections, as the server sees them.",
		When:      "A read from an SSH connection returns.",
		Recorder:  "instruments/ssh",
		Component: componentTeleport,
	})

	// SSHBytesSent is counted by the wrapped connection of instruments/ssh.
	SSHBytesSent = counter(Spec{
		Name:      "tx",
		Unit:      "By",
		Help:      "Bytes that went out over SSH connections, as the server sees them.",
		When:      "A write to an SSH connection returns.",
		Recorder:  "instruments/ssh",
		Component: componentTeleport,
	})

	// InteractiveSessions is moved by the SSH server's session registry. The
	// documented name has the ending of a counter; it is a gauge all the same.
	InteractiveSessions = gauge(Spec{
		Name:      "server_interactive_sessions_total",
		Unit:      "{session}",
		Help:      "Interactive sessions that are going on at the moment; not a total, although it is called one.",
		When:      "One is added when an interactive session begins and taken away when it ends.",
		Recorder:  "instruments/ssh",
		Component: componentTeleport,
	})

	// SessionLimitHits is counted by the node before a session is opened.
	SessionLimitHits = counter(Spec{
		Name:      "user_max_concurrent_sessions_hit_total",
		Unit:      "{rejection}",
		Help:      "Refusals of users who had as many sessions at once as they may have.",
		When:      "A node refuses a session because its user has reached the limit of concurrent sessions.",
		Recorder:  "instruments/ssh",
		Component: componentNode,
	})
)
