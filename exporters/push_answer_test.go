package exporters

import (
	"bytes"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestPushBrokenBodies: a collector whose answer breaks off after the status
// has given that status, and nothing but the push's own log tells about it.
func TestPushBrokenBodies(t *testing.T) {
	for _, row := range []struct {
		name   string
		status int
		want   string // in the error; "" for none
	}{
		{"taken", http.StatusOK, ""},
		{"rejected", http.StatusBadRequest, "status 400 Bad Request"},
		{"unavailable", http.StatusServiceUnavailable, "status 503 Service Unavailable"},
	} {
		t.Run(row.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/x-protobuf")
				w.Header().Set("Content-Length", "100")
				w.WriteHeader(row.status)
				_, _ = w.Write([]byte("half"))
			}))
			defer server.Close()
			server.Config.ErrorLog = quietLog()
			standard := captureLog(t)
			r := newRig(t, Target{URL: server.URL}).withoutRetries()
			r.add(1)
			if row.want == "" {
				r.flushed(t)
			} else {
				r.refused(t, row.want)
			}
			if got := standard.String(); got != "" {
				t.Errorf("the process's own log has %q", got)
			}
		})
	}
}

// TestPushNamesTheStatus: whatever a library says or leaves out about an
// answer, the log has the status.
func TestPushNamesTheStatus(t *testing.T) {
	for _, status := range []int{302, 400, 404, 413, 429, 500, 502, 503, 504} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		r := newRig(t, Target{URL: server.URL}).withoutRetries()
		r.add(1)
		r.refused(t, http.StatusText(status))
		if got := r.log.String(); strings.Count(got, http.StatusText(status)) != 1 {
			t.Errorf("want %d once in:\n%s", status, got)
		}
		server.Close()
	}
}

// captureLog returns what goes to the standard logger while the test runs.
func captureLog(t *testing.T) *bytes.Buffer {
	t.Helper()
	var buf bytes.Buffer
	before := log.Writer()
	log.SetOutput(&buf)
	t.Cleanup(func() { log.SetOutput(before) })
	return &buf
}
