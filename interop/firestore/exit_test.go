package firestore

import (
	"testing"

	"github.com/telltale-agent/telltale/instruments/instrumentstest"
)

// exit is a registry that knows the four metrics of the package.
type exit struct{ *instrumentstest.Exit }

func newExit(tb testing.TB) exit {
	tb.Helper()
	return exit{instrumentstest.New(tb)}
}

// counted is what so many reads and writes leave behind.
func counted(reads, writes int) instrumentstest.Values {
	return instrumentstest.Values{
		"firestore_events_backend_batch_read_requests":       float64(reads),
		"firestore_events_backend_batch_read_seconds_count":  float64(reads),
		"firestore_events_backend_batch_write_requests":      float64(writes),
		"firestore_events_backend_batch_write_seconds_count": float64(writes),
	}
}

// want fails unless that many reads and writes were counted and timed.
func (e exit) want(tb testing.TB, reads, writes int) {
	tb.Helper()
	e.Want(tb, counted(reads, writes))
}

// await is want for what another goroutine is about to count.
func (e exit) await(tb testing.TB, reads, writes int) {
	tb.Helper()
	e.Await(tb, counted(reads, writes))
}
