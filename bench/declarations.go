package main

import "github.com/telltale-agent/telltale/instruments"

// request is the label set of everything that is measured with labels.
type request struct {
	Method string `label:"method"`
	Path   string `label:"path"`
}

var labels = []string{"method", "path"}

// bounds are 16, as in the table that is to be held.
var bounds = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 25, 50, 100}

var (
	plainCounter = instruments.Must(instruments.DeclareCounter(instruments.Spec{
		Name: "bench_events_total", Unit: "{event}", Help: "Events.",
	}))
	labelledCounter = instruments.Must(instruments.DeclareCounterBy[request](instruments.Spec{
		Name: "bench_requests_total", Unit: "{request}", Help: "Requests.",
	}))
	plainHistogram = instruments.Must(instruments.DeclareHistogram(instruments.Spec{
		Name: "bench_duration_seconds", Unit: "s", Help: "Durations.", Buckets: bounds,
	}))
	labelledHistogram = instruments.Must(instruments.DeclareHistogramBy[request](instruments.Spec{
		Name: "bench_request_duration_seconds", Unit: "s", Help: "Durations of requests.", Buckets: bounds,
	}))
)
