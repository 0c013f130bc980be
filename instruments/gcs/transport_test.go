package gcs_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"testing"

	"github.com/telltale-agent/telltale/instruments/gcs"
)

func TestNilRegistryIsTheBase(t *testing.T) {
	base := &http.Transport{}
	if got := gcs.Transport(nil, base); got != base {
		t.Errorf("got %v, want the base", got)
	}
	if got := gcs.Transport(nil, nil); got != http.DefaultTransport {
		t.Errorf("got %v, want http.DefaultTransport", got)
	}
}

func TestClosedRegistry(t *testing.T) {
	e := newExit(t)
	rt := gcs.Transport(e.Registry, script(t, answer{status: 200}, opened, done, answer{status: 200}))
	if err := e.Registry.Close(); err != nil {
		t.Fatal(err)
	}
	send(t, rt, request(t, t.Context(), "GET", mediaPath))
	send(t, rt, request(t, t.Context(), "POST", uploadPath+"resumable"))
	send(t, rt, request(t, t.Context(), "POST", sessionURL))
	if err := readAll(t, get(t, rt, t.Context()), "content"); err != nil {
		t.Error(err)
	}
}

type idleCloser struct {
	peer
	closed int
}

func (c *idleCloser) CloseIdleConnections() { c.closed++ }

func TestCloseIdleConnections(t *testing.T) {
	base := &idleCloser{}
	client := &http.Client{Transport: gcs.Transport(newExit(t).Registry, base)}
	client.CloseIdleConnections()
	if base.closed != 1 {
		t.Errorf("got %d calls passed on, want 1", base.closed)
	}
	client.Transport = gcs.Transport(newExit(t).Registry, peer(nil))
	client.CloseIdleConnections()
}

func TestPanicOfTheBase(t *testing.T) {
	e := newExit(t)
	rt := gcs.Transport(e.Registry, peer(func(*http.Request) (*http.Response, error) { panic("base") }))
	for _, req := range []*http.Request{
		request(t, t.Context(), "GET", mediaPath, token+": a"),
		request(t, t.Context(), "POST", uploadPath+"media", token+": b"),
		request(t, t.Context(), "POST", sessionURL),
	} {
		func() {
			defer func() {
				if got := recover(); got != "base" {
					t.Errorf("got %v, want the panic of the base", got)
				}
			}()
			send(t, rt, req)
		}()
	}
	e.want(t, 2, 1)
}

func TestGoroutineEndsWithinTheBase(t *testing.T) {
	e := newExit(t)
	rt := gcs.Transport(e.Registry, peer(func(*http.Request) (*http.Response, error) { runtime.Goexit(); return nil, nil }))
	var wg sync.WaitGroup
	wg.Go(func() { send(t, rt, request(t, t.Context(), "GET", mediaPath)) })
	wg.Wait()
	e.want(t, 0, 1)
}

type panicking struct{ io.ReadCloser }

func (panicking) Read([]byte) (int, error) { panic("body") }

func TestPanicOfTheBody(t *testing.T) {
	e := newExit(t)
	resp := get(t, gcs.Transport(e.Registry, script(t, answer{status: 200, body: panicking{&reader{}}})), t.Context())
	func() {
		defer func() {
			if got := recover(); got != "body" {
				t.Errorf("got %v, want the panic of the body", got)
			}
		}()
		_, _ = resp.Body.Read(make([]byte, 1))
	}()
	e.want(t, 0, 1)
}

// endless is a context that does not end, and knows what waits for it.
type endless struct {
	context.Context
	waiting int
}

func (*endless) Done() <-chan struct{} { return make(chan struct{}) }
func (*endless) Value(any) any         { return nil }

func (c *endless) AfterFunc(func()) (stop func() bool) {
	c.waiting++
	return func() bool {
		c.waiting--
		return true
	}
}

// A program that lives long makes many transfers with one context.
func TestTransferThatEndedLeavesNothingWithItsContext(t *testing.T) {
	for name, steps := range map[string][]step{
		"opened again": {{method: "GET", url: mediaPath, answer: busy}, {method: "GET", url: mediaPath, answer: done}},
		"session":      {start(opened, 0), chunk(more, 0), chunk(busy, 0), chunk(done, 1)},
	} {
		t.Run(name, func(t *testing.T) {
			var answers []answer
			for _, s := range steps {
				answers = append(answers, s.answer)
			}
			rt := gcs.Transport(newExit(t).Registry, script(t, answers...))
			ctx := &endless{Context: t.Context()}
			for i, s := range steps {
				send(t, rt, request(t, ctx, s.method, s.url, token+": a"))
				want := 1 // between two requests
				if i == len(steps)-1 {
					want = 0
				}
				if ctx.waiting != want {
					t.Errorf("after step %d: %d functions wait for the context, want %d", i+1, ctx.waiting, want)
				}
			}
		})
	}
}

// storage is as much of Cloud Storage as it takes to send and fetch one object
// over a real connection.
func storage(tb testing.TB) *httptest.Server {
	tb.Helper()
	content := bytes.Repeat([]byte("0123456789abcdef"), 1<<12)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		switch r.URL.Query().Get("uploadType") {
		case "resumable":
			if id := r.URL.Query().Get("upload_id"); id == "" {
				w.Header().Set("Location", "http://"+r.Host+r.URL.String()+"&upload_id="+r.URL.Query().Get("name"))
			} else if r.Header.Get("Content-Range") == "more" {
				w.Header().Set("X-Http-Status-Code-Override", "308")
			}
		case "media":
		default:
			_, _ = w.Write(content)
		}
	}))
	tb.Cleanup(server.Close)
	return server
}

func TestManyAtOnce(t *testing.T) {
	const clients, rounds = 16, 10
	e := newExit(t)
	server := storage(t)
	client := server.Client()
	client.Transport = gcs.Transport(e.Registry, client.Transport)
	do := func(method, url string, headers ...string) http.Header {
		resp, err := client.Do(request(t, t.Context(), method, url, headers...))
		if err != nil {
			t.Error(err)
			return http.Header{}
		}
		defer resp.Body.Close()
		_, _ = io.Copy(io.Discard, resp.Body)
		return resp.Header
	}
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			for j := range rounds {
				name := string(rune('a'+i)) + string(rune('a'+j))
				do("GET", server.URL+"/storage/v1/b/b/o/o?alt=media")
				do("POST", server.URL+"/upload/storage/v1/b/b/o?uploadType=media")
				session := do("POST", server.URL+"/upload/storage/v1/b/b/o?uploadType=resumable&name="+name).Get("Location")
				do("PUT", session, "Content-Range: more")
				do("PUT", session)
				do("GET", server.URL+"/storage/v1/b/b/o")
			}
		})
	}
	wg.Wait()
	e.want(t, 2*clients*rounds, clients*rounds)
	client.CloseIdleConnections()
}
