package instruments_test

import (
	"context"
	"fmt"

	"github.com/telltale-agent/telltale/instruments"
	"github.com/telltale-agent/telltale/instruments/instrumentstest"
)

// JobsWaiting is read at each collection.
var JobsWaiting = instruments.Must(instruments.DeclareGauge(instruments.Spec{
	Name: "jobs_waiting", Unit: "{job}", Help: "Jobs that wait.", Sampled: true,
}))

// Values that are read rather than counted come from a source.
func ExampleRegistry_Observe() {
	exit := instrumentstest.Open() // a program has an agent: agent.Instruments()
	defer exit.Close()

	queue := make(chan string, 10)
	stop := exit.Registry.Observe("jobs", func(_ context.Context, o *instruments.Observation) {
		JobsWaiting.Observe(o, float64(len(queue)))
	})
	defer stop()

	queue <- "print"
	fmt.Print(exit.Show("jobs_"))
	// Output: jobs_waiting 1
}
