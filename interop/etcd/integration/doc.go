// Package integration tests the packages instruments/etcd, instruments/kv and instruments/cache with a real etcd server
// and the official client: each request and each event of a watch is counted once and measured, whatever becomes of it,
// and the client works as without them.
package integration
