// Package etcd measures the requests that a program sends to etcd, and the
// events that its watches receive.
//
// It consists of gRPC client interceptors, which the official client takes as
// dial options; the package itself does not import etcd:
//
//	client, err := clientv3.New(clientv3.Config{
//		Endpoints:   endpoints,
//		DialOptions: etcd.DialOptions(registry, etcd.WatchOptions{Resource: etcd.ByPrefix(resources)}),
//	})
//
// # Requests
//
// Each request is counted and timed once, when it ends, whether it succeeds,
// fails or panics:
//
//   - etcd_backend_read_requests, etcd_backend_read_seconds: Range of one key.
//   - etcd_backend_batch_read_requests, etcd_backend_batch_read_seconds: Range
//     with a range end, so also one that only counts keys.
//   - etcd_backend_write_requests, etcd_backend_write_seconds: Put and
//     DeleteRange. A delete of a range of keys is one write: etcd has no batch
//     write of its own in the documented list.
//   - etcd_backend_tx_requests, etcd_backend_tx_seconds: Txn. What is inside
//     the transaction does not count again, and neither does it matter whether
//     its comparisons held.
//
// Compact, leases, authentication, the cluster and maintenance are not counted.
//
// A request is what is handed to gRPC. The client repeats some requests by
// itself: reads when a server is unavailable, and requests with an outdated
// token. Each repetition is a request and counts. Whoever wants to count the
// calls of the program instead, and the time that they take with all their
// repetitions, wraps the client in a store of package kv. A request whose context has ended
// before it is sent counts, too.
//
// # Events
//
// Each event that a watch receives is recorded in two histograms, in bytes:
//
//   - watcher_event_sizes: the size of the event as it is encoded for the wire,
//     which holds key, value, revisions, and the previous value where the watch
//     asked for it.
//   - watcher_events{resource}: the same size by resource, which the rule in
//     [WatchOptions] finds out from the key. Its count is the number of events.
//
// Several watches of one client that receive the same change receive one event
// each. Answers without events, which are those that tell of the creation, the
// end or the progress of a watch, record nothing.
//
// With a nil or a closed registry the interceptors work and record nothing.
package etcd
