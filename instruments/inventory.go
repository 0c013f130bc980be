package instruments

// ResourceType is a kind of resource that keeps a connection to the auth service.
type ResourceType string

// The resource types. All of them are shown from the first scrape on.
const (
	ResourceNode           ResourceType = "node"
	ResourceKube           ResourceType = "kube"
	ResourceApp            ResourceType = "app"
	ResourceDB             ResourceType = "db"
	ResourceDBService      ResourceType = "db_service"
	ResourceWindowsDesktop ResourceType = "windows_desktop_service"
)

// Resource is the label set of teleport_connected_resources.
type Resource struct {
	Type ResourceType `label:"type"`
}

// ServerVersion is the label set of teleport_registered_servers. Versions come
// and go with upgrades: Forget the last server's.
type ServerVersion struct {
	Version string `label:"version"` // as the server announces it, such as "18.2.0"
}

// What the auth service knows to be part of the cluster.
var (
	// ConnectedResources is moved by the inventory of the auth service.
	ConnectedResources = gaugeBy(Spec{
		Name:      "teleport_connected_resources",
		Unit:      "{connection}",
		Help:      "Resources of each type that hold a keep-alive connection at the moment.",
		When:      "One is added when a keep-alive connection of a resource begins and taken away when it ends or has been silent for 10 minutes.",
		Recorder:  "instruments/inventory",
		Component: componentAuthService,
	}, Resource{ResourceNode}, Resource{ResourceKube}, Resource{ResourceApp},
		Resource{ResourceDB}, Resource{ResourceDBService}, Resource{ResourceWindowsDesktop})

	// RegisteredServers is read from the inventory at each collection, so that a
	// server that changes its version is in none of them twice.
	RegisteredServers = gaugeBy[ServerVersion](Spec{
		Name:      "teleport_registered_servers",
		Unit:      "{server}",
		Help:      "Servers that the cluster knows, by the version they run.",
		When:      "A server announces itself, or has not done so for 10 minutes and is dropped; a version without servers is forgotten.",
		Recorder:  "instruments/inventory",
		Component: componentAuthService,
	})
)
