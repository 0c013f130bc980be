package prometheus

import (
	"mime"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// tap stands between a server and telltale, one path for each job (/JOB/metrics), and notes what was asked and what
// was answered. It changes nothing.
type tap struct {
	addr string

	mu       sync.Mutex
	accept   map[string]string // guarded by mu; Accept header by job
	answered map[string]string // guarded by mu; Content-Type by job
}

func startTap(t *testing.T, target string) *tap {
	t.Helper()
	tap := &tap{accept: map[string]string{}, answered: map[string]string{}}
	transport := &http.Transport{DisableCompression: true} // what was compressed stays so
	proxy := &httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: "http", Host: target})
		r.Out.URL.Path = "/metrics"
	}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		job := strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/"), "/metrics")
		proxy.ServeHTTP(w, r)
		tap.note(job, r.Header.Get("Accept"), w.Header().Get("Content-Type"))
	}))
	t.Cleanup(func() {
		server.Close()
		transport.CloseIdleConnections()
	})
	tap.addr = server.Listener.Addr().String()
	return tap
}

// note keeps the headers of a job's latest scrape.
func (tap *tap) note(job, accept, contentType string) {
	tap.mu.Lock()
	defer tap.mu.Unlock()
	tap.accept[job] = accept
	tap.answered[job] = contentType
}

// check compares what a job asked for, and what it got, with what the test is about.
func (tap *tap) check(t *testing.T, job, asks, answer string) {
	t.Helper()
	tap.mu.Lock()
	defer tap.mu.Unlock()
	if got := tap.accept[job]; !strings.HasPrefix(got, asks) {
		t.Errorf("job %s asked for %q, want it to begin with %q", job, got, asks)
	}
	got, _, err := mime.ParseMediaType(tap.answered[job])
	if err != nil || got != answer {
		t.Errorf("job %s was answered with %q, want %s", job, tap.answered[job], answer)
	}
}
