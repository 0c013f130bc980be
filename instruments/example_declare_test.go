package instruments_test

import (
	"fmt"

	"github.com/telltale-agent/telltale/instruments"
	"github.com/telltale-agent/telltale/instruments/instrumentstest"
)

// StoreName is a label whose values are few and known to the program.
type StoreName string

// Store is the label set of the metrics of a store.
type Store struct {
	Name StoreName `label:"store"`
}

// StoreReads is a metric of the embedder's own. Both stores are shown from the
// first scrape on.
var StoreReads = instruments.Must(instruments.DeclareCounterBy(instruments.Spec{
	Name: "store_reads_total",
	Unit: "{read}",
	Help: "Reads of the store, successful or not.",
}, Store{"sessions"}, Store{"users"}))

// An embedder declares metrics of its own in package variables, and resolves
// their handles where the measured component is made.
func ExampleDeclareCounterBy() {
	exit := instrumentstest.Open() // a program has an agent: agent.Instruments()
	defer exit.Close()

	sessions := StoreReads.In(exit.Registry).At(Store{"sessions"})
	sessions.Inc()
	sessions.Inc()
	fmt.Print(exit.Show("store_"))
	// Output: store_reads_total{sessions} 2
}
