package main

import (
	"fmt"
	"runtime"
	"strings"
)

var sizeBounds = []float64{0, 100, 200, 300, 400, 500, 600, 700, 800, 900, 1000, 1100, 1200, 1300, 1400, 1500, 1600, 1700, 1800, 1900}

// table is what the traffic of the test implies for every documented metric.
func (r *rig) table() []row {
	return concat(r.auditRows(), r.authRows(), r.backendRows(), r.cloudRows(), r.inventoryRows(), r.sshRows(), r.tunnelRows(), r.processRows(), runtimeRows())
}

func concat(lists ...[]row) (all []row) {
	for _, list := range lists {
		all = append(all, list...)
	}
	return all
}

func (r *rig) auditRows() []row {
	return []row{
		always("teleport_audit_emit_events", "", is(14), "4 failed logins at the proxy, 1 at the node; 3 logins at the proxy; 3 sessions; 3 events over the API"),
		always("audit_failed_emit_events", "", is(2), "an event without a type; an event while the directory was gone"),
		always("audit_failed_disk_monitoring", "", is(1), "the directory was gone for one check"),
		{"audit_percentage_disk_space_used", "", within(0.001, 100), r.diskUsed, "as statfs says", false},
		{"audit_server_open_files", "", is(2), is(0), "the recordings of the two open shells", false},
	}
}

func (r *rig) diskUsed(s seen) error {
	used, err := statfsPercent(r.config.Dir)
	if err != nil {
		return err
	}
	return within(used-5, used+5)(s) // others write to the disk, too
}

func (r *rig) authRows() []row {
	return []row{
		always("auth_generate_requests_total", "", is(11), "keys of 2 hosts and 6 services; 3 certificates of alice"),
		{"auth_generate_requests", "", is(2), is(0), "two certificates wait for the slow key", false},
		{"auth_generate_seconds", "", times(9), times(11), "all that were admitted, once they are done", false},
		always("auth_generate_requests_throttled_total", "", is(1), "a third certificate at the same time"),
		always("cluster_name_not_found_total", "", is(1), "node-1.nowhere"),
	}
}

func (r *rig) backendRows() []row {
	const backend, cache = `component="backend"`, `component="cache"`
	rows := []row{
		{"teleport_cache_events", `cache_component="resources"`, is(9), is(12), "6 put, 2 by the rename, 1 deleted; then 3 deleted with their kinds", false},
		always("teleport_cache_stale_events", `cache_component="resources"`, is(1), "carol had expired an hour ago"),
	}
	count := func(counter, histogram, labels string, busy, end uint64, why string) {
		rows = append(rows,
			row{counter, labels, is(float64(busy)), is(float64(end)), why, false},
			row{histogram, labels, times(busy), times(end), why, false})
	}
	count("backend_read_requests_total", "backend_read_seconds", cache, 12, 12, "3 GET, 2 renames, 5 certificates asked for, 2 clusters looked up")
	count("backend_read_requests_total", "backend_read_seconds", backend, 4, 4, "nobody (twice), carol and the cluster nowhere, which the cache does not have")
	count("backend_batch_read_requests_total", "backend_batch_read_seconds", cache, 1, 1, "one list of users")
	count("backend_batch_read_requests_total", "backend_batch_read_seconds", backend, 1, 1, "the cache was filled")
	count("backend_write_requests_total", "backend_write_seconds", cache, 8, 8, "6 PUT, 2 DELETE")
	count("backend_write_requests_total", "backend_write_seconds", backend, 8, 8, "all of them pass through the cache")
	count("backend_batch_write_requests_total", "backend_batch_write_seconds", cache, 2, 4, "2 renames, one of which met a conflict; 2 kinds deleted")
	count("backend_batch_write_requests_total", "backend_batch_write_seconds", backend, 2, 4, "all of them pass through the cache")
	count("etcd_backend_read_requests", "etcd_backend_read_seconds", "", 4, 4, "as the backend")
	count("etcd_backend_batch_read_requests", "etcd_backend_batch_read_seconds", "", 1, 1, "as the backend")
	count("etcd_backend_write_requests", "etcd_backend_write_seconds", "", 8, 10, "as the backend, and the deletion of a range is one write")
	count("etcd_backend_tx_requests", "etcd_backend_tx_seconds", "", 2, 2, "the renames")
	rows = append(rows, always("watcher_event_sizes", "", sizes(func() []float64 { return r.watched.all("") }, sizeBounds...),
		"what another watch of the same keys receives"))
	for _, kind := range kinds {
		rows = append(rows, always("watcher_events", fmt.Sprintf("resource=%q", kind),
			sizes(func() []float64 { return r.watched.all(kind) }, 0, 200, 400, 600, 800), "of these, those with keys of the kind"))
	}
	return rows
}

func (r *rig) cloudRows() []row {
	return []row{
		{"firestore_events_backend_batch_write_requests", "", is(2), is(3), "a commit that was refused, and those that were not", false},
		{"firestore_events_backend_batch_write_seconds", "", times(2), times(3), "the same", false},
		always("firestore_events_backend_batch_read_requests", "", is(2), "searches for alice and for nobody"),
		always("firestore_events_backend_batch_read_seconds", "", times(2), "the same"),
		{"gcs_event_storage_uploads", "", is(1), is(3), "recordings of a command, and of two shells when they end", false},
		{"gcs_event_storage_uploads_seconds", "", times(1), times(3), "the same", false},
		always("gcs_event_storage_downloads", "", is(2), "a recording, and one that does not exist"),
		always("gcs_event_storage_downloads_seconds", "", times(2), "the same"),
	}
}

func (r *rig) inventoryRows() []row {
	rows := []row{
		always("heartbeat_connections_received_total", "", is(6), "node-1, dashboard, kube-1, db-1, desk-1 and dbs-1, however often they announced themselves"),
		{"heartbeat_connections_missed_total", "", nil, is(18), "6 servers that fell silent, 3 intervals each until they were forgotten", false},
		{"teleport_registered_servers", `version="1.0.0"`, is(3), gone, "node-1, dashboard, desk-1", false},
		{"teleport_registered_servers", `version="17.0.0"`, is(2), gone, "kube-1 says v17.0.0, db-1 17.0.0+lab", false},
		{"teleport_registered_servers", `version="unknown"`, is(1), gone, "dbs-1 lies", false},
	}
	for _, typ := range []string{"node", "kube", "app", "db", "db_service", "windows_desktop_service"} {
		rows = append(rows, row{"teleport_connected_resources", fmt.Sprintf("type=%q", typ), is(1), is(0), "one of each, until 10 seconds after its last heartbeat", false})
	}
	return rows
}

func (r *rig) sshRows() []row {
	return []row{
		always("user_login_total", "", is(4), "alice at the proxy, three times, and at the node"),
		always("failed_login_attempts_total", "", is(5), "expired, another's, of a stranger's authority (at the proxy and at the node), and no certificate at all"),
		always("certificate_mismatch_total", "", is(4), "of these, all but the key without a certificate"),
		{"server_interactive_sessions_total", "", is(2), is(0), "two shells, one with a terminal; not the command before", false},
		always("user_max_concurrent_sessions_hit_total", "", is(1), "a third session beside the two shells"),
		always("proxy_connection_limit_exceeded_total", "", is(1), "a fourth connection beside three"),
		always("rx", "", func(s seen) error { return is(float64(r.wire.sent.Load()))(s) }, "what the clients, users and services have sent"),
		always("tx", "", func(s seen) error { return is(float64(r.wire.received.Load()))(s) }, "what they have received"),
	}
}

func (r *rig) tunnelRows() []row {
	rows := []row{
		always("teleport_connect_to_node_attempts_total", "", is(5), "node-1 (twice), node-2, node-1.leaf and node-1.nowhere"),
		always("failed_connect_to_node_attempts_total", "", is(2), "node-2 has no tunnel, and nowhere is no cluster"),
		{"reversetunnel_connected_proxies", "", is(1), is(0), "all services have the same proxy", false},
		{"proxy_missing_ssh_tunnels", "", is(1), is(0), "node-2 is expected and not there; in the end none is expected", false},
		{"trusted_clusters", `cluster="root",state="connected"`, is(1), gone, "leaf-proxy", false},
	}
	for _, typ := range []string{"node", "proxy", "app", "kube", "db", "windows_desktop"} {
		rows = append(rows, row{"teleport_reverse_tunnels_connected", fmt.Sprintf("type=%q", typ), is(1), is(0), "a service of each type", false})
	}
	return rows
}

func (r *rig) processRows() []row {
	return []row{
		{"process_state", "", is(2), is(0), "degraded while the audit log has no directory; ok in the end", false},
		still("teleport_build_info", fmt.Sprintf(`gitref="v1.2.3-0-gabc",goversion=%q,version="1.2.3"`, runtime.Version()), is(1), "a constant"),
		always("promhttp_metric_handler_requests_total", `code="200"`, func(s seen) error { return is(s.scrapes)(s) }, "scrapes before"),
		still("promhttp_metric_handler_requests_total", `code="500"`, is(0), "no scrape fails"),
		still("promhttp_metric_handler_requests_total", `code="503"`, is(0), "no scrape comes after the end"),
		always("promhttp_metric_handler_requests_in_flight", "", func(s seen) error {
			if s.exit == "otlp" {
				return is(0)(s) // nobody scrapes meanwhile
			}
			return is(1)(s)
		}, "a scrape sees itself, a push sees none"),
	}
}

// runtimeRows are compared with what the process, which the test is a part of,
// knows about itself; some have to have grown, too, since the test sees to that.
func runtimeRows() []row {
	const inOne = "what the process itself says"
	rows := []row{
		always("go_gc_duration_seconds", "", both(grown, paused), "cycles of the garbage collector; the test asks for some"),
		always("go_goroutines", "", near(0.25, func(s self) float64 { return s.goroutines }), "of servers, clients and tunnels"),
		still("go_info", fmt.Sprintf("version=%q", runtime.Version()), is(1), "a constant"),
		always("go_threads", "", both(grown, between(func(s self) float64 { return s.threads })), "the test had goroutines with a thread each"),
		always("process_cpu_seconds_total", "", both(grown, between(func(s self) float64 { return s.cpu })), "the traffic costs time"),
		always("process_open_fds", "", near(0.25, func(s self) float64 { return s.files }), "connections and files"),
		still("process_max_fds", "", both(unchanged, between(func(s self) float64 { return s.mostFiles })), "a limit"),
		still("process_start_time_seconds", "", both(unchanged, between(func(s self) float64 { return s.started })), "a constant"),
		always("process_resident_memory_bytes", "", near(0.25, func(s self) float64 { return s.resident }), inOne),
		always("process_virtual_memory_bytes", "", near(0.25, func(s self) float64 { return s.virtual }), inOne),
		still("process_virtual_memory_max_bytes", "", both(unchanged, between(func(s self) float64 { return s.mostVirtual })), "a limit"),
		still("go_memstats_lookups_total", "", is(0), "the runtime has not counted them for long"),
		always("go_memstats_last_gc_time_seconds", "", both(grown, between(lastGC)), "the test asks for some"),
		always("go_memstats_gc_cpu_fraction", "", both(positive, between(func(s self) float64 { return s.GCCPUFraction })), inOne),
		still("go_memstats_mcache_inuse_bytes", "", both(unchanged, between(func(s self) float64 { return float64(s.MCacheInuse) })), "a cache for each processor, of which the number stays"),
		still("go_memstats_mcache_sys_bytes", "", both(unchanged, between(func(s self) float64 { return float64(s.MCacheSys) })), "a cache for each processor, of which the number stays"),
	}
	for name, value := range map[string]func(self) uint64{
		"alloc_bytes_total": func(s self) uint64 { return s.TotalAlloc },
		"frees_total":       func(s self) uint64 { return s.Frees },
		"mallocs_total":     func(s self) uint64 { return s.Mallocs },
	} {
		rows = append(rows, always("go_memstats_"+name, "", both(grown, between(func(s self) float64 { return float64(value(s)) })), "all that is done allocates"))
	}
	for name, value := range map[string]func(self) uint64{
		"alloc_bytes":         func(s self) uint64 { return s.Alloc },
		"buck_hash_sys_bytes": func(s self) uint64 { return s.BuckHashSys },
		"gc_sys_bytes":        func(s self) uint64 { return s.GCSys },
		"heap_alloc_bytes":    func(s self) uint64 { return s.HeapAlloc },
		"heap_idle_bytes":     func(s self) uint64 { return s.HeapIdle },
		"heap_inuse_bytes":    func(s self) uint64 { return s.HeapInuse },
		"heap_objects":        func(s self) uint64 { return s.HeapObjects },
		"heap_released_bytes": func(s self) uint64 { return s.HeapReleased },
		"heap_sys_bytes":      func(s self) uint64 { return s.HeapSys },
		"mspan_inuse_bytes":   func(s self) uint64 { return s.MSpanInuse },
		"mspan_sys_bytes":     func(s self) uint64 { return s.MSpanSys },
		"next_gc_bytes":       func(s self) uint64 { return s.NextGC },
		"other_sys_bytes":     func(s self) uint64 { return s.OtherSys },
		"stack_inuse_bytes":   func(s self) uint64 { return s.StackInuse },
		"stack_sys_bytes":     func(s self) uint64 { return s.StackSys },
		"sys_bytes":           func(s self) uint64 { return s.Sys },
	} {
		now := always("go_memstats_"+name, "", both(positive, near(0.25, func(s self) float64 { return float64(value(s)) })), inOne)
		now.still = strings.HasSuffix(name, "sys_bytes") // an earlier test may have made the runtime ask the system for enough
		rows = append(rows, now)
	}
	return rows
}
