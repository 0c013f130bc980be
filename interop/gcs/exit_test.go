package gcs

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

// counted is what so many uploads and downloads leave behind.
func counted(uploads, downloads int) instrumentstest.Values {
	return instrumentstest.Values{
		"gcs_event_storage_uploads":                 float64(uploads),
		"gcs_event_storage_uploads_seconds_count":   float64(uploads),
		"gcs_event_storage_downloads":               float64(downloads),
		"gcs_event_storage_downloads_seconds_count": float64(downloads),
	}
}

// want fails unless that many uploads and downloads were counted and timed.
func (e exit) want(tb testing.TB, uploads, downloads int) {
	tb.Helper()
	e.Want(tb, counted(uploads, downloads))
}

// await is want for what another goroutine is about to count.
func (e exit) await(tb testing.TB, uploads, downloads int) {
	tb.Helper()
	e.Await(tb, counted(uploads, downloads))
}
