// Package instruments holds every metric of Telltale: the catalogue of
// declarations, and the registry that brings them to life for one agent.
//
// A declaration is an immutable package variable. It carries the exact name,
// the kind, the unit, the help and the buckets of a metric, and the struct type
// of its labels, so that a misspelt label or the wrong kind does not compile:
//
//	var Reads = instruments.Must(instruments.DeclareCounterBy[Store](instruments.Spec{
//		Name: "store_reads_total",
//		Unit: "{read}",
//		Help: "Reads of the store, successful or not.",
//	}))
//
// In gives the live handle of one registry. It is resolved once, where the
// measured component is made; recording is then an atomic add:
//
//	reads := Reads.In(registry).At(Store{Name: "sessions"})
//	reads.Inc()
//
// Counters and gauges are atomic cells that OpenTelemetry observable
// instruments read at collection; histograms are the SDK's own. Values that are
// read rather than counted come from sources, see [Registry.Observe].
//
// Nothing in here can hurt the program that records: handles never block and
// never panic, also when they are nil or their registry is closed; label sets
// are bounded; values that no exit could show are refused and counted.
package instruments
