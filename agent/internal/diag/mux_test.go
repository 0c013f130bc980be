package diag

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestMux(t *testing.T) {
	name := func(name string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, name+" "+r.PathValue("component"))
		})
	}
	m := NewMux()
	m.Handle("/healthz", name("live"))
	m.Handle("/readyz", name("ready"))
	m.Handle("/readyz/{component}", name("one"))
	m.Handle("/debug/pprof/", name("profile"), "GET", "HEAD", "POST")
	for _, row := range []struct {
		method, path string
		status       int
		want         string
	}{
		{"GET", "/healthz", 200, "live "},
		{"GET", "/healthz?x=1", 200, "live "},
		{"GET", "/readyz", 200, "ready "},
		{"GET", "/readyz/auth", 200, "one auth"},
		{"GET", "/readyz/a%2Fb", 200, "one a/b"},
		{"GET", "/readyz/a%20b", 200, "one a b"},
		{"GET", "/debug/pprof/", 200, "profile "},
		{"POST", "/debug/pprof/symbol", 200, "profile "},
		{"POST", "/healthz", 405, `{"error":"the method is not allowed; use one of GET, HEAD"}`},
		{"DELETE", "/readyz/auth", 405, "GET, HEAD"},
		{"PUT", "/debug/pprof/heap", 405, "GET, HEAD, POST"},
		{"GET", "/", 404, `{"error":"no endpoint has this path"}`},
		{"GET", "/healthz/", 404, "no endpoint"},
		{"GET", "//healthz", 404, "no endpoint"},
		{"GET", "/./healthz", 404, "no endpoint"},
		{"GET", "/x/../healthz", 404, "no endpoint"},
		{"GET", "/Healthz", 404, "no endpoint"},
		{"GET", "/readyz/", 404, "no endpoint"},
		{"GET", "/readyz/a/b", 404, "no endpoint"},
		{"GET", "/readyzx", 404, "no endpoint"},
		{"GET", "/debug/pprof", 404, "no endpoint"},
		{"POST", "/nothing", 404, "no endpoint"},
	} {
		t.Run(row.method+" "+row.path, func(t *testing.T) {
			w := httptest.NewRecorder()
			m.ServeHTTP(w, httptest.NewRequest(row.method, "http://localhost"+row.path, nil))
			if w.Code != row.status || !strings.Contains(w.Body.String(), row.want) {
				t.Errorf("got %d %q, want %d %q", w.Code, w.Body, row.status, row.want)
			}
			if row.status >= 400 && w.Header().Get("Content-Type") != "application/json" {
				t.Errorf("got type %q", w.Header().Get("Content-Type"))
			}
			if (row.status == 405) != (w.Header().Get("Allow") != "") {
				t.Errorf("got Allow %q", w.Header().Get("Allow"))
			}
		})
	}
}

func TestHead(t *testing.T) {
	m := NewMux()
	m.Handle("/healthz", http.HandlerFunc(hello))
	s := serve(t, Options{}, m)
	for path, want := range map[string]int{"/healthz": 200, "/nothing": 404} {
		response, err := client().Head("http://" + s.Addr().String() + path)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if response.StatusCode != want || len(body) != 0 || response.ContentLength <= 0 {
			t.Errorf("%s: got %d with %d bytes, length %d", path, response.StatusCode, len(body), response.ContentLength)
		}
		if response.Header.Get("X-Content-Type-Options") != "nosniff" || response.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: security headers are missing: %v", path, response.Header)
		}
	}
}
