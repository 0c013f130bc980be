// Package collector tests telltale's push against the OTLP receiver of the OpenTelemetry Collector, over HTTP and over
// gRPC, with everything that can be wrong with a collector.
package collector
