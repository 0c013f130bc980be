package gcs

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/storage"
	"github.com/fsouza/fake-gcs-server/fakestorage"
	"github.com/googleapis/gax-go/v2"
	"google.golang.org/api/option"

	"github.com/telltale-agent/telltale/instruments"
	"github.com/telltale-agent/telltale/instruments/gcs"
)

const bucket = "sessions"

// fault is something that goes wrong with a request, instead of or while it is answered by next.
type fault func(next http.Handler, w http.ResponseWriter, r *http.Request)

// server is fake-gcs-server behind a handler that can spoil single requests.
type server struct {
	url  string
	fake *fakestorage.Server

	mu     sync.Mutex // guards the fields below
	faults []fault
	on     func(*http.Request) bool
}

func newServer(tb testing.TB, objects ...fakestorage.Object) *server {
	tb.Helper()
	s := &server{}
	web := httptest.NewServer(s)
	tb.Cleanup(web.Close)
	fake, err := fakestorage.NewServerWithOptions(fakestorage.Options{
		InitialObjects: objects,
		NoListener:     true,
		Scheme:         "http",
		PublicHost:     web.Listener.Addr().String(),
		Writer:         io.Discard,
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(fake.Stop)
	fake.CreateBucketWithOpts(fakestorage.CreateBucketOpts{Name: bucket})
	s.url, s.fake = web.URL, fake
	return s
}

// spoil lets the faults happen to the next requests that are among those meant; a nil fault spares one of them.
func (s *server) spoil(meant func(*http.Request) bool, faults ...fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults, s.on = faults, meant
}

// left is the number of faults that are yet to come.
func (s *server) left() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.faults)
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if f := s.next(r); f != nil {
		f(s.fake.HTTPHandler(), w, r)
		return
	}
	s.fake.HTTPHandler().ServeHTTP(w, r)
}

func (s *server) next(r *http.Request) fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.faults) == 0 || !s.on(r) {
		return nil
	}
	f := s.faults[0]
	s.faults = s.faults[1:]
	return f
}

// Which requests a fault is meant for.
func anyRequest(*http.Request) bool { return true }
func isGet(r *http.Request) bool    { return r.Method == http.MethodGet }
func isPost(r *http.Request) bool   { return r.Method == http.MethodPost }
func isChunk(r *http.Request) bool  { return r.URL.Query().Has("upload_id") }

// status refuses the request.
func status(code int) fault {
	return func(_ http.Handler, w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		http.Error(w, http.StatusText(code), code)
	}
}

// drop closes the connection in order and without an answer, which the client does not expect.
func drop(http.Handler, http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// reset breaks the connection.
func reset(_ http.Handler, w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

// cutAfter closes the connection after so many bytes of the answer.
func cutAfter(n int) fault {
	return func(next http.Handler, w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(&cutter{ResponseWriter: w, left: n}, r)
	}
}

type cutter struct {
	http.ResponseWriter
	left int
}

func (c *cutter) Write(p []byte) (int, error) {
	if len(p) <= c.left {
		c.left -= len(p)
		return c.ResponseWriter.Write(p)
	}
	_, _ = c.ResponseWriter.Write(p[:c.left])
	_ = http.NewResponseController(c.ResponseWriter).Flush()
	panic(http.ErrAbortHandler)
}

// hang tells that the request is there, and answers when its connection is gone.
func hang(arrived chan<- struct{}) fault {
	return func(_ http.Handler, _ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		close(arrived)
		<-r.Context().Done()
	}
}

// client is the official client, measured, with pauses between attempts that tests can wait for.
func (s *server) client(tb testing.TB, reg *instruments.Registry, options ...option.ClientOption) *storage.Client {
	tb.Helper()
	if t, ok := tb.(interface{ Setenv(key, value string) }); ok {
		t.Setenv("STORAGE_EMULATOR_HOST", s.url)
	}
	base := &http.Transport{}
	tb.Cleanup(base.CloseIdleConnections)
	measured := &http.Client{Transport: gcs.Transport(reg, base)}
	client, err := storage.NewClient(tb.Context(), append(options, option.WithHTTPClient(measured))...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = client.Close() })
	client.SetRetry(storage.WithPolicy(storage.RetryAlways),
		storage.WithBackoff(gax.Backoff{Initial: time.Millisecond, Max: 5 * time.Millisecond}))
	return client
}
