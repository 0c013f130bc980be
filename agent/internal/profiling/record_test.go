package profiling

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"runtime/pprof"
	"runtime/trace"
	"strconv"
	"testing"
	"time"
)

// start begins a recording of two minutes over a real connection and returns when it runs.
func start(t *testing.T, h *Handler, server *httptest.Server, path string) (cancel func(), done <-chan struct{}) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, "GET", server.URL+Path+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		if response, err := server.Client().Do(r); err == nil {
			new(bytes.Buffer).ReadFrom(response.Body)
			response.Body.Close()
		}
	}()
	deadline := time.Now().Add(20 * time.Second)
	for tick := time.NewTicker(time.Millisecond); ; <-tick.C {
		h.recording.mu.Lock()
		busy := h.recording.busy
		h.recording.mu.Unlock()
		if busy != "" {
			tick.Stop()
			return cancel, finished
		}
		if time.Now().After(deadline) {
			t.Fatal("the recording did not begin")
		}
	}
}

func TestOneRecordingAtATime(t *testing.T) {
	for _, first := range []string{"profile", "trace"} {
		t.Run(first, func(t *testing.T) {
			told := newEvents()
			h := New(Options{Audit: told.add})
			server := httptest.NewServer(h)
			defer server.Close()
			cancel, done := start(t, h, server, first+"?seconds=100")
			for _, second := range []string{"profile", "trace"} {
				response, body := get(t, server, Path+second+"?seconds=1")
				left, _ := strconv.Atoi(response.Header.Get("Retry-After"))
				if response.StatusCode != 409 || left < 80 || left > 100 {
					t.Errorf("%s: got %d with Retry-After %d (%s), want 409 with what is left of 100", second, response.StatusCode, left, body)
				}
				<-told.new
			}
			if response, _ := get(t, server, Path+"heap"); response.StatusCode != 200 {
				t.Errorf("heap meanwhile: got %d, want 200", response.StatusCode)
			}
			<-told.new

			cancel()
			<-done
			event := <-told.new // comes long before the 100 s are over, or the test times out
			if event.Profile != first || event.Status != StatusClientGone {
				t.Errorf("after the client went away the audit hook was told %+v", event)
			}
			if response, body := get(t, server, Path+first+"?seconds=0.01"); response.StatusCode != 200 {
				t.Errorf("afterwards: got %d %s", response.StatusCode, body)
			}
		})
	}
}

func TestServerThatStopsEndsARecording(t *testing.T) {
	stopping := errors.New("stopping")
	for _, path := range []string{"profile?seconds=100", "heap?seconds=100"} {
		ctx, cancel := context.WithCancelCause(t.Context())
		r := httptest.NewRequest("GET", Path+path, nil).WithContext(ctx)
		w := httptest.NewRecorder()
		time.AfterFunc(10*time.Millisecond, func() { cancel(stopping) })
		New(Options{}).ServeHTTP(w, r)
		if w.Code != 503 || w.Header().Get("Content-Disposition") != "" {
			t.Errorf("%s: got %d, want 503", path, w.Code)
		}
	}
}

func TestForeignRecording(t *testing.T) {
	var out bytes.Buffer
	if err := pprof.StartCPUProfile(&out); err != nil {
		t.Fatal(err)
	}
	w := answer(New(Options{}), "GET", Path+"profile?seconds=1", "")
	pprof.StopCPUProfile()
	if w.Code != 409 || w.Header().Get("Retry-After") == "" || out.Len() == 0 {
		t.Errorf("profile: got %d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
	}
	if trace.IsEnabled() {
		t.Skip("the test itself is traced")
	}
	if err := trace.Start(&out); err != nil {
		t.Fatal(err)
	}
	w = answer(New(Options{}), "GET", Path+"trace?seconds=1", "")
	trace.Stop()
	if w.Code != 409 || w.Header().Get("Retry-After") == "" {
		t.Errorf("trace: got %d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
	}
}

// broken is a client that fails at the first byte.
type broken struct{ http.ResponseWriter }

func (broken) Write([]byte) (int, error) { return 0, errors.New("broken") }

func TestTraceEndsWhenTheClientCannotBeWrittenTo(t *testing.T) {
	var told Event
	h := New(Options{Audit: func(e Event) { told = e }})
	h.ServeHTTP(broken{httptest.NewRecorder()}, httptest.NewRequest("GET", Path+"trace?seconds=100", nil))
	if told.Status != StatusClientGone {
		t.Errorf("got %+v", told)
	}
}

func TestSnapshotsAreBounded(t *testing.T) {
	h := New(Options{})
	for range maxSnapshots {
		release, err := h.enter()
		if err != nil {
			t.Fatal(err)
		}
		defer release()
	}
	for _, path := range []string{"heap", "goroutine?debug=2", "heap?seconds=1"} {
		if w := answer(h, "GET", Path+path, ""); w.Code != 503 || w.Header().Get("Retry-After") != "1" {
			t.Errorf("%s: got %d", path, w.Code)
		}
	}
}

// A server with a write timeout must not cut off what lasts longer by request.
func TestOutlivesTheWriteTimeout(t *testing.T) {
	server := httptest.NewUnstartedServer(New(Options{}))
	server.Config.WriteTimeout = 50 * time.Millisecond
	server.Start()
	defer server.Close()
	for _, path := range []string{"profile?seconds=0.2", "trace?seconds=0.2", "heap?seconds=0.2"} {
		if response, body := get(t, server, Path+path); response.StatusCode != 200 || len(body) == 0 {
			t.Errorf("%s: got %d with %d bytes", path, response.StatusCode, len(body))
		}
	}
}
