package profiling

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// events collects what a handler tells its audit hook.
type events struct {
	mu  sync.Mutex
	all []Event
	new chan Event
}

func newEvents() *events { return &events{new: make(chan Event, 1000)} }

func (e *events) add(one Event) {
	e.mu.Lock()
	e.all = append(e.all, one)
	e.mu.Unlock()
	e.new <- one
}

func serve(t *testing.T, o Options) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(New(o))
	t.Cleanup(func() {
		server.Client().CloseIdleConnections()
		server.Close()
	})
	return server
}

// answer asks a handler without a network in between.
func answer(h http.Handler, method, path, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	return w
}

func get(t *testing.T, server *httptest.Server, path string) (*http.Response, string) {
	t.Helper()
	response, err := server.Client().Get(server.URL + path)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}
