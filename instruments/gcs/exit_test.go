package gcs_test

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

// totals is what the four metrics of the package say.
type totals struct {
	uploads, downloads             int
	uploadSeconds, downloadSeconds float64
}

// read collects the metrics, and fails if a count is not that of its times.
func (e exit) read(tb testing.TB) totals {
	tb.Helper()
	values := e.Collect(tb)
	for _, name := range []string{"gcs_event_storage_uploads", "gcs_event_storage_downloads"} {
		if count, timed := values[name], values[name+"_seconds_count"]; timed != count {
			tb.Errorf("%s: got %v, %v of them timed", name, count, timed)
		}
	}
	return totals{
		uploads:         int(values["gcs_event_storage_uploads"]),
		downloads:       int(values["gcs_event_storage_downloads"]),
		uploadSeconds:   values["gcs_event_storage_uploads_seconds_sum"],
		downloadSeconds: values["gcs_event_storage_downloads_seconds_sum"],
	}
}

// want fails unless that many uploads and downloads were counted.
func (e exit) want(tb testing.TB, uploads, downloads int) {
	tb.Helper()
	if got := e.read(tb); got.uploads != uploads || got.downloads != downloads {
		tb.Errorf("got %d uploads and %d downloads, want %d and %d", got.uploads, got.downloads, uploads, downloads)
	}
}
