package tunnel_test

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	attempts  = "teleport_connect_to_node_attempts_total"
	failures  = "failed_connect_to_node_attempts_total"
	missing   = "proxy_missing_ssh_tunnels"
	proxies   = "reversetunnel_connected_proxies"
	nodes     = "teleport_reverse_tunnels_connected{node}"
	apps      = "teleport_reverse_tunnels_connected{app}"
	ofCluster = "trusted_clusters"
)
