package inventory_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/telltale-agent/telltale/instruments/instrumentstest"
	"github.com/telltale-agent/telltale/instruments/inventory"
)

const jsonType = "application/json"

func TestHandler(t *testing.T) {
	for _, row := range []struct {
		name, method, path, contentType, body string
		status                                int
		message                               string // part of it
	}{
		{"announcement", "POST", "/v1/announce", jsonType, `{"id":"a","type":"node","version":"18.2.0"}`, 204, ""},
		{"spaces and charset", "POST", "/v1/announce", "application/json; charset=utf-8", " {\n\"version\" : \"\", \"id\":\"\\u0061\", \"type\":\"node\"} \n", 204, ""},
		{"another path", "POST", "/v1/announce/", jsonType, `{}`, 404, "/v1/announce"},
		{"another method", "GET", "/v1/announce", "", "", 405, "use POST"},
		{"a form", "POST", "/v1/announce", "application/x-www-form-urlencoded", "id=a", 415, "application/json"},
		{"no content type", "POST", "/v1/announce", "", `{"id":"a","type":"node","version":"18.2.0"}`, 415, "application/json"},
		{"nothing", "POST", "/v1/announce", jsonType, "", 400, "no JSON object"},
		{"null", "POST", "/v1/announce", jsonType, "null", 400, "no JSON object"},
		{"an array", "POST", "/v1/announce", jsonType, `[{"id":"a","type":"node","version":"1.0.0"}]`, 400, "no JSON object"},
		{"cut off", "POST", "/v1/announce", jsonType, `{"id":"a","type":"node","version":"1.0.0"`, 400, "no complete JSON object"},
		{"cut off in a key", "POST", "/v1/announce", jsonType, `{"id":"a","ty`, 400, "no JSON object"},
		{"two objects", "POST", "/v1/announce", jsonType, `{"id":"a","type":"node","version":"1.0.0"}{}`, 400, "something follows"},
		{"unknown key", "POST", "/v1/announce", jsonType, `{"id":"a","type":"node","version":"1.0.0","x":1}`, 400, `key \"x\"`},
		{"another spelling", "POST", "/v1/announce", jsonType, `{"ID":"a","type":"node","version":"1.0.0"}`, 400, `key \"ID\"`},
		{"twice", "POST", "/v1/announce", jsonType, `{"id":"a","id":"b","type":"node","version":"1.0.0"}`, 400, "twice"},
		{"missing", "POST", "/v1/announce", jsonType, `{"id":"a","type":"node"}`, 400, "version is missing"},
		{"no string", "POST", "/v1/announce", jsonType, `{"id":"a","type":"node","version":18}`, 400, "version is no string"},
		{"null id", "POST", "/v1/announce", jsonType, `{"id":null,"type":"node","version":"1.0.0"}`, 400, "id is no string"},
		{"an object inside", "POST", "/v1/announce", jsonType, `{"id":{"id":"a"},"type":"node","version":"1.0.0"}`, 400, "id is no string"},
		{"unknown type", "POST", "/v1/announce", jsonType, `{"id":"a","type":"toaster","version":"1.0.0"}`, 400, "db_service"},
		{"bad id", "POST", "/v1/announce", jsonType, `{"id":"a\nb","type":"node","version":"1.0.0"}`, 400, "without spaces"},
		{"no text", "POST", "/v1/announce", jsonType, "{\"id\":\"\xff\",\"type\":\"node\",\"version\":\"1.0.0\"}", 400, "UTF-8"},
		{"too large", "POST", "/v1/announce", jsonType, strings.Repeat(" ", 4097), 413, "4096"},
		{"deep", "POST", "/v1/announce", jsonType, `{"id":` + strings.Repeat("[", 4000), 400, "id is no string"},
	} {
		t.Run(row.name, func(t *testing.T) {
			e := instrumentstest.New(t)
			inv := inventory.New(e.Registry, inventory.Options{})
			defer inv.Close()
			request := httptest.NewRequest(row.method, row.path, strings.NewReader(row.body))
			if row.contentType != "" {
				request.Header.Set("Content-Type", row.contentType)
			}
			w := httptest.NewRecorder()
			inv.Handler().ServeHTTP(w, request)
			if w.Code != row.status {
				t.Errorf("got %d %s, want %d", w.Code, w.Body, row.status)
			}
			accepted := 0.
			if row.status == 204 {
				accepted = 1
			} else {
				wantOneLine(t, w.Result().Header.Get("Content-Type"), w.Body.String(), row.message)
			}
			e.WantShown(t, map[string]float64{received: accepted, nodes: accepted})
		})
	}
}

// wantOneLine is what every error must look like.
func wantOneLine(t *testing.T, contentType, body, message string) {
	t.Helper()
	var decoded struct{ Error string }
	if err := json.Unmarshal([]byte(body), &decoded); err != nil || decoded.Error == "" {
		t.Errorf("got %q, want JSON with an error: %v", body, err)
	}
	if contentType != jsonType || strings.Index(body, "\n") != len(body)-1 || !strings.Contains(body, message) {
		t.Errorf("got %s %q, want one line of JSON with %q", contentType, body, message)
	}
}

func TestHandlerWhenFullOrClosed(t *testing.T) {
	inv := inventory.New(nil, inventory.Options{MaxServers: 1})
	announce := func(id string) *httptest.ResponseRecorder {
		body := strings.NewReader(fmt.Sprintf(`{"id":%q,"type":"node","version":"18.2.0"}`, id))
		request := httptest.NewRequest("POST", "/v1/announce", body)
		request.Header.Set("Content-Type", jsonType)
		w := httptest.NewRecorder()
		inv.Handler().ServeHTTP(w, request)
		return w
	}
	if w := announce("a"); w.Code != 204 {
		t.Errorf("got %d", w.Code)
	}
	full := announce("b")
	inv.Close()
	closed := announce("a")
	for message, w := range map[string]*httptest.ResponseRecorder{"is full": full, "is closed": closed} {
		if w.Code != 503 || w.Result().Header.Get("Retry-After") == "" {
			t.Errorf("got %d, Retry-After %q", w.Code, w.Result().Header.Get("Retry-After"))
		}
		wantOneLine(t, w.Result().Header.Get("Content-Type"), w.Body.String(), message)
	}
}

// broken is a body that does not come.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("cut off") }

func TestHandlerWhenTheBodyBreaksOff(t *testing.T) {
	inv := inventory.New(nil, inventory.Options{})
	defer inv.Close()
	request := httptest.NewRequest("POST", "/v1/announce", broken{})
	request.Header.Set("Content-Type", jsonType)
	w := httptest.NewRecorder()
	inv.Handler().ServeHTTP(w, request)
	if w.Code != 400 || inv.Servers() != 0 {
		t.Errorf("got %d with %d servers", w.Code, inv.Servers())
	}
}

func TestThousandHTTPClients(t *testing.T) {
	const clients = 1000
	e := instrumentstest.New(t)
	inv := inventory.New(e.Registry, inventory.Options{})
	defer inv.Close()
	server := httptest.NewServer(inv.Handler())
	defer server.Close()
	client := server.Client()
	client.Transport.(*http.Transport).MaxConnsPerHost = 32
	announce := func(i, round int) error {
		id := i
		if round == 2 && i%10 == 0 {
			id = i + clients // some come under another name
		}
		body := fmt.Sprintf(`{"id":"host-%d","type":%q,"version":"v18.%d.0"}`, id, []string{"node", "app"}[i%2], round)
		response, err := client.Post(server.URL+inventory.AnnouncePath, jsonType, strings.NewReader(body))
		if err != nil {
			return err
		}
		defer response.Body.Close()
		answer, _ := io.ReadAll(response.Body)
		if response.StatusCode != 204 {
			return fmt.Errorf("got %s: %s", response.Status, answer)
		}
		return nil
	}
	for round := range 3 {
		var announcing sync.WaitGroup
		for i := range clients {
			announcing.Go(func() {
				if err := announce(i, round); err != nil {
					t.Error(err)
				}
			})
		}
		announcing.Wait()
	}
	e.WantShown(t, map[string]float64{
		received: 1100, missed: 0, nodes: 600, apps: 500, version("18.2.0"): 1000, version("18.1.0"): 100,
	})
}

// pipes is a listener of a virtual network, on which virtual time passes.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.done); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// A client that sends headers and no body must not hold the handler for ever.
func TestHTTPClientThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inv := inventory.New(nil, inventory.Options{})
		defer inv.Close()
		listener := &pipes{make(chan net.Conn), make(chan struct{})}
		server := &http.Server{Handler: inv.Handler()}
		var serving sync.WaitGroup
		serving.Go(func() { _ = server.Serve(listener) })
		client, far := net.Pipe()
		listener.conns <- far
		began := time.Now()
		fmt.Fprintf(client, "POST /v1/announce HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"id\":")
		response, err := http.ReadResponse(bufio.NewReader(client), nil)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		if took := time.Since(began); response.StatusCode != 400 || took != 5*time.Second {
			t.Errorf("got %s after %s, want 400 after 5s", response.Status, took)
		}
		wantOneLine(t, response.Header.Get("Content-Type"), string(body), "did not come")
		client.Close()
		server.Close()
		serving.Wait()
	})
}

func FuzzAnnounceBody(f *testing.F) {
	for _, seed := range []string{
		`{"id":"a","type":"node","version":"18.2.0"}`, `{"id":"a","id":"b"}`, `{"ID":"a"}`, `null`, `[]`, `{`, `{}{}`,
		`{"id":"\ud800","type":"node","version":""}`, "{\"id\":\"\xff\"}", `{"id":"a","type":"node","version":"1.0.0"} `,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		inv := inventory.New(nil, inventory.Options{})
		defer inv.Close()
		request := httptest.NewRequest("POST", "/v1/announce", strings.NewReader(string(body)))
		request.Header.Set("Content-Type", jsonType)
		w := httptest.NewRecorder()
		inv.Handler().ServeHTTP(w, request)
		a, err := inventory.ParseAnnouncement(body)
		switch w.Code {
		case 204:
			var members map[string]string
			if jsonErr := json.Unmarshal(body, &members); jsonErr != nil || err != nil {
				t.Fatalf("%q was taken: %v, %v", body, err, jsonErr)
			}
			if len(members) != 3 || members["id"] != a.ID || members["type"] != string(a.Type) || members["version"] != a.Version {
				t.Fatalf("%q: got %+v, want %v", body, a, members)
			}
			if a.ID == "" || !utf8.ValidString(a.ID) || strings.ContainsAny(a.ID, " \n\x00") {
				t.Fatalf("id %q was taken", a.ID)
			}
		case 400, 413:
			wantOneLine(t, w.Result().Header.Get("Content-Type"), w.Body.String(), "")
		default:
			t.Fatalf("got %d", w.Code)
		}
	})
}
