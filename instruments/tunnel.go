package instruments

// TunnelType is the kind of service at the far end of a reverse tunnel.
type TunnelType string

// The tunnel types. All of them are shown from the first scrape on.
const (
	TunnelNode           TunnelType = "node"
	TunnelProxy          TunnelType = "proxy"
	TunnelApp            TunnelType = "app"
	TunnelKube           TunnelType = "kube"
	TunnelDB             TunnelType = "db"
	TunnelWindowsDesktop TunnelType = "windows_desktop"
)

// Tunnel is the label set of teleport_reverse_tunnels_connected.
type Tunnel struct {
	Type TunnelType `label:"type"`
}

// TrustedCluster is the label set of trusted_clusters. A tunnel that changes
// its state moves from one series to another; empty ones are to be forgotten.
type TrustedCluster struct {
	Cluster string `label:"cluster"` // name of the remote cluster
	State   string `label:"state"`   // of the tunnel to it, such as "connected"
}

// Reverse tunnels, from both ends.
var (
	// ReverseTunnels is moved by the proxy's tunnel server.
	ReverseTunnels = gaugeBy(Spec{
		Name:      "teleport_reverse_tunnels_connected",
		Unit:      "{tunnel}",
		Help:      "Reverse tunnels that are open to this proxy, by the type of service behind them.",
		When:      "One is added when a service's tunnel to the proxy is established and taken away when it closes.",
		Recorder:  "instruments/tunnel",
		Component: componentProxy,
	}, Tunnel{TunnelNode}, Tunnel{TunnelProxy}, Tunnel{TunnelApp},
		Tunnel{TunnelKube}, Tunnel{TunnelDB}, Tunnel{TunnelWindowsDesktop})

	// MissingSSHTunnels is moved with ReverseTunnels, by the tunnels of nodes.
	MissingSSHTunnels = gauge(Spec{
		Name:      "proxy_missing_ssh_tunnels",
		Unit:      "{tunnel}",
		Help:      "Nodes without a tunnel to this proxy that ought to have one.",
		When:      "A node's tunnel is established or closes, or the nodes that ought to have one change.",
		Recorder:  "instruments/tunnel",
		Component: componentProxy,
	})

	// ConnectedProxies is set by the tunnel client's pool.
	ConnectedProxies = gauge(Spec{
		Name:      "reversetunnel_connected_proxies",
		Unit:      "{proxy}",
		Help:      "Proxies that this process has discovered and holds a tunnel to.",
		When:      "The pool of tunnel clients gains or loses the tunnel to a proxy, or learns which proxies there are.",
		Recorder:  "instruments/tunnel",
		Component: componentTeleport,
	})

	// TrustedClusters is read from the pool of tunnels at each collection.
	TrustedClusters = gaugeBy[TrustedCluster](Spec{
		Name:      "trusted_clusters",
		Unit:      "{tunnel}",
		Help:      "Tunnels to each trusted cluster, by the state they are in.",
		When:      "A tunnel to a trusted cluster is opened, changes its state or is closed; a cluster that is left is forgotten.",
		Recorder:  "instruments/tunnel",
		Component: componentTeleport,
	})
)
