// Package inventory makes the metrics move that tell which servers belong to a
// cluster: an [Inventory] of what announces itself, by connections that carry
// heartbeats.
//
//	servers := inventory.New(registry, inventory.Options{})
//	defer servers.Close()
//	…
//	conn, err := servers.Connect(inventory.Announcement{ID: hostID, Type: instruments.ResourceNode, Version: "18.2.0"})
//	if err != nil { … }
//	defer conn.Close()
//	conn.Heartbeat() // whenever one comes
//
// [Inventory.StreamServerInterceptor] does that for gRPC streams, where each
// message is a heartbeat, and [Inventory.Handler] for clients that have nothing
// but HTTP: it keeps a connection for them.
//
// What each metric means here:
//
//   - heartbeat_connections_received_total: connections that were accepted, one
//     for each Connect. Over HTTP the first announcement opens a connection, and
//     those that follow are heartbeats on it.
//   - heartbeat_connections_missed_total: heartbeats that did not come, one for
//     each server and interval, whatever the number of its connections. A
//     server of which nothing is heard is missed from its first interval on
//     until it is dropped; one that said goodbye with [Connection.Close] is not.
//   - teleport_connected_resources: connections that are open and were heard of
//     within the time to live, by type.
//   - teleport_registered_servers: servers, by id and whatever the number of
//     their connections, that were heard of within the time to live. Each is
//     under the version of its latest announcement.
//
// Nothing that a client says is trusted. Types and ids are checked; versions
// are brought into one form, so that v18.2.0 and 18.2.0+build are the same, and
// what is no semantic version counts as [UnknownVersion]. Only the versions
// with the most servers get a series of their own; the rest share
// [OtherVersions], so that clients that make up versions hide no real one.
// Servers and connections are bounded: above the bounds new ones are refused,
// which the log tells when it begins and when it ends. Who may announce what is
// for the server around this package to decide: it authenticates nobody.
//
// One timer serves all, and a heartbeat costs a lock and no allocation. All of
// it works without a registry and with a closed one, and is safe for concurrent
// use. A registry shows one inventory: the connections of several add up, but a
// version that two have shows the servers of the one made last.
package inventory
