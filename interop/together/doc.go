// Package together puts all peers around one telltale, as a newcomer would: it watches an etcd, pushes to a Collector
// and is scraped by a Prometheus server.
package together
