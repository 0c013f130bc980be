package inventory_test

import (
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/telltale-agent/telltale/instruments"
	"github.com/telltale-agent/telltale/instruments/instrumentstest"
	"github.com/telltale-agent/telltale/instruments/inventory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	received = "heartbeat_connections_received_total"
	missed   = "heartbeat_connections_missed_total"
	nodes    = "teleport_connected_resources{node}"
	apps     = "teleport_connected_resources{app}"
)

// version is the series of a version.
func version(v string) string { return "teleport_registered_servers{" + v + "}" }

// versions are the servers by version, as they are shown.
func versions(t testing.TB, e *instrumentstest.Exit) map[string]float64 {
	t.Helper()
	shown := make(map[string]float64)
	for name, value := range e.Collect(t).With("teleport_registered_servers{") {
		labels := strings.TrimPrefix(name, "teleport_registered_servers{")
		shown[strings.TrimSuffix(labels, "}")] = value
	}
	return shown
}

// node is an announcement of a node.
func node(id, version string) inventory.Announcement {
	return inventory.Announcement{ID: id, Type: instruments.ResourceNode, Version: version}
}

// connect must succeed.
func connect(t testing.TB, inv *inventory.Inventory, a inventory.Announcement) *inventory.Connection {
	t.Helper()
	conn, err := inv.Connect(a)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// beat must succeed.
func beat(t testing.TB, conn *inventory.Connection) {
	t.Helper()
	if err := conn.Heartbeat(); err != nil {
		t.Error(err)
	}
}
