package auth

import (
	"testing"

	"github.com/telltale-agent/telltale/instruments/instrumentstest"
)

// generated is what the metrics of the limiter say.
type generated struct {
	throttled, requests, inFlight float64
	count                         float64 // of auth_generate_seconds
	seconds                       float64 // their sum
}

func readGenerated(t testing.TB, exit *instrumentstest.Exit) generated {
	t.Helper()
	values := exit.Collect(t)
	return generated{
		throttled: values["auth_generate_requests_throttled_total"],
		requests:  values["auth_generate_requests_total"],
		inFlight:  values["auth_generate_requests"],
		count:     values["auth_generate_seconds_count"],
		seconds:   values["auth_generate_seconds_sum"],
	}
}

func wantGenerated(t testing.TB, exit *instrumentstest.Exit, want generated) {
	t.Helper()
	if got := readGenerated(t, exit); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
