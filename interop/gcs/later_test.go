package gcs

import (
	"net/http"
	"testing"
	"time"
)

// window is a little more than the time after which a transfer that nobody goes on with is counted.
const window = 42 * time.Second

// A transfer that was recovered leaves nothing behind that would be counted later.
func TestNothingIsCountedLater(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for most of a minute")
	}
	e := newExit(t)
	s := newServer(t, stored())
	uploads, downloads := 0, 0
	for _, options := range apis {
		b := s.client(t, e.Registry, options...).Bucket(bucket)
		for _, row := range []struct {
			offset, length int64
			faults         []fault
		}{
			{0, -1, []fault{status(503), drop, cutAfter(30_000), reset, cutAfter(0)}},
			{1000, 50_000, []fault{cutAfter(20_000), status(429), cutAfter(10)}},
			{-50_000, -1, []fault{cutAfter(20_000), cutAfter(10)}},
			{0, -1, []fault{cutAfter(10), status(404)}},
		} {
			s.spoil(isGet, row.faults...)
			_, _ = fetch(t.Context(), b.Object("dir/object"), row.offset, row.length) // the last of them fails
			downloads++
		}
		for _, row := range []struct {
			size   int
			meant  func(*http.Request) bool
			faults []fault
		}{
			{1000, isPost, []fault{status(503), reset}},
			{2 * chunk, isPost, []fault{status(503), reset, nil, reset}},
			{4 * chunk, isChunk, []fault{status(408), nil, reset, nil, drop}},
		} {
			s.spoil(row.meant, row.faults...)
			_ = put(t.Context(), b.Object("new"), content(row.size), chunk) // the last of them fails
			uploads++
		}
	}
	e.want(t, uploads, downloads)
	<-time.After(window)
	e.want(t, uploads, downloads)
}
