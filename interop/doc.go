// Package interop proves that telltale works with the programs that it is made for. Every test starts the real command
// as a process and, from Go modules alone, the real peer beside it:
//
//   - prometheus: the Prometheus server's scrape manager, storage and query engine. All documented metrics are stored
//     under their own names, with their types, labels and buckets, from the first scrape of a fresh process on, whatever
//     the server asks for in its Accept header (its default, both text formats, both OpenMetrics versions, protobuf,
//     native histograms). What dashboards ask is answered. A stop and a restart look as they should. The same names are
//     stored by a push into the server's own OTLP endpoint.
//   - collector: the OTLP receiver of the OpenTelemetry Collector, over HTTP and gRPC. All documented metrics arrive in
//     the first push. A collector that refuses, hangs, throttles, is out of order or rejects loses no count and doubles
//     none, shows in telltale_push_* and in two log lines, slows neither another collector nor a scrape, and cannot hold
//     up the end of the process. The OTEL_* variables alone are enough to push with TLS on both sides.
//   - together: all of them around one telltale. Through a restart of etcd /readyz, the Prometheus server's storage and
//     the Collector see the same states in the same order.
//   - etcd: an etcd server as the watched component, over HTTP, TCP and the gRPC health protocol, stopped and started
//     again. The readiness timeline is starting, ok, degraded, recovering, ok and nothing else, ten seconds of recovery
//     included, and /readyz, /readyz/etcd, process_state and telltale_component_state never contradict each other.
//
// Run them with
//
//	cd interop && go test -race ./...
//
// The command is built once in each test binary, from the sources in the directory above and with its own go.mod, with
// the race detector if the tests have it. To test a command that is built already, name it in TELLTALE_BINARY. All
// listeners are on 127.0.0.1, nothing is downloaded, and nothing outside of temporary directories is written.
//
// This is a module of its own because the product must not depend on any of its peers.
package interop
