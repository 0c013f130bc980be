package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestTCP(t *testing.T) {
	c := mustParse(t, "tcp://"+blackHole(t), settings{})
	if err := run(t, c); err != nil {
		t.Errorf("accepting peer: %v", err)
	}
	gone := mustParse(t, "tcp://"+refusing(t), settings{})
	wantError(t, run(t, gone), gone.Target(), "connection refused")

	unknown := mustParse(t, "tcp://no-such-host.invalid:80", settings{})
	wantError(t, run(t, unknown), unknown.Target(), "host name")

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Run(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	c.Close()
	c.Close()
	wantError(t, run(t, c), "closed")
}

func TestHTTPStatus(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var status int
		fmt.Sscanf(r.URL.Path, "/%d", &status)
		w.Header().Set("Location", "/200")
		w.WriteHeader(status)
		io.WriteString(w, "hunter2 in the body")
	}))
	defer server.Close()
	for _, row := range []struct {
		status int
		want   string // empty: ok
	}{
		{200, ""}, {204, ""}, {299, ""},
		{302, "status 302 Found, want 2xx; redirects are not followed"},
		{401, "status 401 Unauthorized, want 2xx"},
		{404, "status 404 Not Found, want 2xx"},
		{503, "status 503 Service Unavailable, want 2xx"},
		{599, "status 599, want 2xx"},
	} {
		t.Run(fmt.Sprint(row.status), func(t *testing.T) {
			err := run(t, mustParse(t, fmt.Sprintf("%s/%d", server.URL, row.status), settings{}))
			if row.want == "" && err != nil {
				t.Errorf("got %v, want ok", err)
			}
			if row.want != "" {
				wantError(t, err, server.URL, row.want)
			}
		})
	}
}

func TestHTTPRequest(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://"+refusing(t)) // must not be used
	requests := make(chan *http.Request, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { requests <- r }))
	defer server.Close()
	address := strings.TrimPrefix(server.URL, "http://")
	c := mustParse(t, "http://bob:hunter2@"+address+"/a%20b?q=1", settings{})
	if err := run(t, c); err != nil {
		t.Fatal(err)
	}
	r := <-requests
	user, password, _ := r.BasicAuth()
	if r.Method != "GET" || r.URL.String() != "/a%20b?q=1" || r.Host != address || user != "bob" || password != "hunter2" {
		t.Errorf("got %s %s host %s as %s:%s", r.Method, r.URL, r.Host, user, password)
	}
	server.Close()
	wantError(t, run(t, c), "http://xxxxx@"+address, "connection refused")
}

func TestHTTPS(t *testing.T) {
	silent := log.New(io.Discard, "", 0)
	start := func(t *testing.T, prepare func(*httptest.Server)) (*httptest.Server, settings) {
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		server.Config.ErrorLog = silent
		prepare(server)
		server.StartTLS()
		t.Cleanup(server.Close)
		roots := x509.NewCertPool()
		roots.AddCert(server.Certificate())
		return server, settings{roots: roots}
	}
	server, trusted := start(t, func(*httptest.Server) {})
	if err := run(t, mustParse(t, server.URL, trusted)); err != nil {
		t.Errorf("trusted: %v", err)
	}
	wantError(t, run(t, mustParse(t, server.URL, settings{})), server.URL, "unknown authority")

	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	wantError(t, run(t, mustParse(t, "https://localhost:"+port, trusted)), "not valid for this host name")

	old, trusted := start(t, func(s *httptest.Server) { s.TLS = &tls.Config{MaxVersion: tls.VersionTLS11} })
	wantError(t, run(t, mustParse(t, old.URL, trusted)), old.URL, "TLS handshake")

	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	wantError(t, run(t, mustParse(t, "https"+strings.TrimPrefix(plain.URL, "http"), settings{})), "does not speak TLS")
	wantError(t, run(t, mustParse(t, "http"+strings.TrimPrefix(server.URL, "https"), settings{})), "status 400")
}

func TestHTTPBadPeers(t *testing.T) {
	for _, row := range []struct {
		name, answer string
		want         string
	}{
		{"closes at once", "", "closed the connection"},
		{"not HTTP", "SSH-2.0-hunter2\r\n\r\n", "not HTTP"},
		{"endless header", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("a", 200<<10) + "\r\n\r\n", "too large"},
	} {
		t.Run(row.name, func(t *testing.T) {
			address := serveRaw(t, func(conn net.Conn) {
				http.ReadRequest(newReader(conn))
				io.WriteString(conn, row.answer)
			})
			wantError(t, run(t, mustParse(t, "http://"+address, settings{})), address, row.want)
		})
	}
}

// A peer whose body never ends must not hold a check: the status has decided already.
func TestHTTPEndlessBody(t *testing.T) {
	for _, row := range []struct {
		name string
		body func(io.Writer) error
	}{
		{"fast", func(w io.Writer) error { _, err := w.Write(make([]byte, 4096)); return err }},
		{"silent", nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(200)
				http.NewResponseController(w).Flush()
				for row.body != nil && row.body(w) == nil {
				}
				<-r.Context().Done()
			}))
			defer server.Close()
			start := time.Now()
			if err := run(t, mustParse(t, server.URL, settings{})); err != nil {
				t.Errorf("got %v, want ok", err)
			}
			if took := time.Since(start); took > 10*time.Second { // the check has 20
				t.Errorf("took %s, want %s", took, bodyTime)
			}
		})
	}
}

// Each check opens a connection of its own: that the peer still accepts them is
// part of the question.
func TestHTTPConnectsAnew(t *testing.T) {
	var opened atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok") }))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	c := mustParse(t, server.URL, settings{})
	for range 3 {
		if err := run(t, c); err != nil {
			t.Fatal(err)
		}
	}
	if n := opened.Load(); n != 3 {
		t.Errorf("got %d connections for 3 checks", n)
	}
}

func TestBlackHole(t *testing.T) {
	address := blackHole(t)
	for _, scheme := range []string{"http", "https", "grpc", "grpcs"} {
		t.Run(scheme, func(t *testing.T) {
			c := mustParse(t, scheme+"://"+address, settings{})
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			err := c.Run(ctx)
			wantError(t, err, c.Target(), "no answer in time")
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v, want context.DeadlineExceeded", err)
			}
		})
		t.Run(scheme+" closed meanwhile", func(t *testing.T) {
			c := mustParse(t, scheme+"://"+address, settings{})
			done := make(chan error)
			go func() { done <- c.Run(t.Context()) }()
			c.Close() // before or during the run: both end it
			wantError(t, <-done, c.Target())
		})
	}
}
