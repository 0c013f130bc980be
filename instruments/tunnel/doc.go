// Package tunnel makes the metrics of reverse tunnels move, at both ends, and
// those of the connections that users make to nodes.
//
// On a proxy, [Attempts] wraps whatever connects a user to a node, and an
// [Inventory] holds the tunnels that agents have opened to the proxy:
//
//	dial := tunnel.NewAttempts(registry).Dialer(router.DialContext)
//	tunnels := tunnel.NewInventory(registry)
//	…
//	lease, err := tunnels.Connected(instruments.TunnelNode, nodeID)
//	if err != nil { … }
//	defer lease.Close()
//	go tunnel.KeepAlive(ctx, conn, 15*time.Second) // notices that the far end is gone
//	err = lease.Hold(conn)                         // an ssh.Conn: counts until it ends
//
// At the agent's end [Proxies] holds the proxies that a process keeps a tunnel
// to, and [Clusters] the tunnels to trusted clusters.
//
// What each metric means here:
//
//   - teleport_connect_to_node_attempts_total: one for each call of a wrapped
//     dialer, counted before it begins.
//   - failed_connect_to_node_attempts_total: those calls that returned an error,
//     panicked or ended their goroutine. An attempt that the user gave up, by a
//     context that was cancelled or ran out, has failed: there is no connection.
//   - teleport_reverse_tunnels_connected: leases of the inventory, by type. A
//     node with two tunnels counts twice.
//   - proxy_missing_ssh_tunnels: nodes that are expected and have no tunnel of
//     type node. A node with two tunnels is there once; a tunnel of another type
//     from the same host does not make up for it.
//   - reversetunnel_connected_proxies: different proxies with at least one
//     tunnel, as far as they are known, see [Proxies.SetKnown].
//   - trusted_clusters: tunnels by cluster and state. Of a change of state no
//     collection sees half; a label set without tunnels is gone.
//
// A lease is given back once, however often it is closed, also when what it
// holds fails, panics or ends its goroutine. Everything works without a
// registry and with a closed one, and is safe for concurrent use. Nothing
// starts a goroutine that outlives the call. A process has one of each for
// each registry; two inventories or two pools of proxies add up, of two
// [Clusters] the same label set shows the one made last.
package tunnel
