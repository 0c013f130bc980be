package diag

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// stopping runs Shutdown in virtual time while one request is being answered, and one
// connection is idle, one silent.
func stopping(t *testing.T, handler http.HandlerFunc, budget time.Duration) (answer string, took time.Duration, err error) {
	l := newPipes()
	entered := make(chan struct{})
	s := Options{}.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/idle" {
			return
		}
		close(entered)
		handler(w, r)
	}))
	silent, idle, busy := l.dial(), l.dial(), l.dial()
	io.WriteString(idle, "GET /idle HTTP/1.1\r\nHost: localhost\r\n\r\n")
	io.WriteString(busy, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
	answers := make(chan string, 1)
	go io.Copy(io.Discard, silent)
	go io.Copy(io.Discard, idle)
	go func() {
		data, _ := io.ReadAll(busy)
		answers <- string(data)
	}()
	<-entered
	synctest.Wait()

	ctx := context.Background()
	if budget > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, budget)
		defer cancel()
	}
	start := time.Now()
	err = s.Shutdown(ctx)
	took = time.Since(start)
	answer = <-answers
	for _, conn := range []net.Conn{silent, idle, busy} {
		conn.Close()
	}
	time.Sleep(time.Minute) // until the deaf handlers have ended
	return answer, took, err
}

func TestShutdown(t *testing.T) {
	release := func(after time.Duration) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(after) // deaf to its context
			io.WriteString(w, "done")
		}
	}
	profile := func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(100 * time.Second):
		case <-r.Context().Done():
			if context.Cause(r.Context()) == errStopping {
				http.Error(w, "stopped", http.StatusServiceUnavailable)
			}
		}
	}
	for _, row := range []struct {
		name    string
		handler http.HandlerFunc
		budget  time.Duration
		took    time.Duration
		answer  string
		err     string
	}{
		{"request that ends", release(500 * time.Millisecond), 0, 500 * time.Millisecond, "200 OK", ""},
		{"profile is ended after the drain time", profile, 0, time.Second, "503", ""},
		{"profile is ended after half of a short budget", profile, time.Second, 500 * time.Millisecond, "503", ""},
		{"slow request gets the whole budget", release(3 * time.Second), 4 * time.Second, 3 * time.Second, "200 OK", ""},
		{"request that ends too late", release(2010 * time.Millisecond), 2 * time.Second, 2010 * time.Millisecond, "", "1 requests were cut off"},
		{"request that does not end", release(30 * time.Second), 2 * time.Second, 2*time.Second + shutdownLast, "", "1 requests were cut off"},
		{"without a deadline", release(30 * time.Second), 0, shutdownMost + shutdownLast, "", "1 requests were cut off"},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				answer, took, err := stopping(t, row.handler, row.budget)
				if took != row.took {
					t.Errorf("took %v, want %v", took, row.took)
				}
				if !strings.Contains(answer, row.answer) || (row.answer == "") != (answer == "") {
					t.Errorf("got answer %q, want %q", answer, row.answer)
				}
				if (row.err == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), row.err) {
					t.Errorf("got error %v, want %q", err, row.err)
				}
			})
		})
	}
}

func TestShutdownTwiceAndConcurrently(t *testing.T) {
	s := serve(t, Options{}, http.HandlerFunc(hello))
	if status, _ := get(t, s, "/"); status != 200 {
		t.Fatalf("got %d", status)
	}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if err := s.Shutdown(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if err := s.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	if _, err := net.Dial("tcp", s.Addr().String()); err == nil {
		t.Error("the listener is still open")
	}
}

func TestShutdownWhileClientsArrive(t *testing.T) {
	for range 20 {
		s := serve(t, Options{}, http.HandlerFunc(hello))
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				for {
					response, err := client().Get("http://" + s.Addr().String())
					if err != nil {
						return
					}
					response.Body.Close()
				}
			})
		}
		if err := s.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		group.Wait()
	}
}
