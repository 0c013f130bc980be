package diag

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// startOnPipes starts a server in the bubble of virtual time that it is called in.
func startOnPipes(t *testing.T, h http.HandlerFunc) (dial func() net.Conn, stop func()) {
	l := newPipes()
	s := Options{}.Serve(l, h)
	return l.dial, func() {
		if err := s.Shutdown(t.Context()); err != nil {
			t.Errorf("shutdown: %v", err)
		}
	}
}

func TestTimeLimits(t *testing.T) {
	const request = "GET / HTTP/1.1\r\nHost: localhost\r\n"
	for _, row := range []struct {
		name, send string
		want       time.Duration
	}{
		{"nothing sent", "", 5 * time.Second},
		{"header never completed", request + "X: y\r\n", 5 * time.Second},
		{"no second request", request + "\r\n", 60 * time.Second},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dial, stop := startOnPipes(t, hello)
				defer stop()
				conn := dial()
				defer conn.Close()
				io.WriteString(conn, row.send)
				if took := closedAfter(conn); took != row.want {
					t.Errorf("closed after %v, want %v", took, row.want)
				}
			})
		})
	}
}

func TestSlowHeaderIsClosedDespiteProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dial, stop := startOnPipes(t, hello)
		defer stop()
		conn := dial()
		defer conn.Close()
		start := time.Now()
		writer := make(chan struct{})
		go func() {
			defer close(writer)
			for {
				if _, err := io.WriteString(conn, "X"); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		}()
		closedAfter(conn)
		if took := time.Since(start); took != 5*time.Second {
			t.Errorf("closed after %v, want 5s", took)
		}
		<-writer
	})
}

func TestSlowBodyIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		read := make(chan error, 1)
		dial, stop := startOnPipes(t, func(w http.ResponseWriter, r *http.Request) {
			_, err := io.ReadAll(r.Body)
			read <- err
		})
		defer stop()
		conn := dial()
		defer conn.Close()
		start := time.Now()
		io.WriteString(conn, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nabc")
		go io.Copy(io.Discard, conn)
		if err := <-read; err == nil || time.Since(start) != 10*time.Second {
			t.Errorf("after %v the body ended with %v", time.Since(start), err)
		}
	})
}

func TestSlowReaders(t *testing.T) {
	for _, row := range []struct {
		name     string
		chunk    int           // read at a time
		pause    time.Duration // after each
		complete bool
		end      time.Duration // of the handler, at most
	}{
		{"reads nothing", 0, 0, false, 30 * time.Second},
		{"slow but moving", rollingChunk, 20 * time.Second, true, 10 * time.Minute},
		{"too slow in all", 4096, 5 * time.Second, false, 10 * time.Minute},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { testSlowReader(t, row.chunk, row.pause, row.complete, row.end) })
		})
	}
}

func testSlowReader(t *testing.T, chunk int, pause time.Duration, complete bool, end time.Duration) {
	const size = 10 * rollingChunk
	const profile = 2 * time.Minute // nothing may run out while it is recorded
	results := make(chan error, 1)
	start := time.Now()
	dial, stop := startOnPipes(t, func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(profile)
		_, err := w.Write(make([]byte, size))
		results <- err
	})
	defer stop()
	conn := dial()
	defer conn.Close()
	finished := make(chan struct{})
	defer close(finished)
	io.WriteString(conn, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
	go func() {
		for chunk > 0 {
			if _, err := io.ReadFull(conn, make([]byte, chunk)); err != nil {
				return
			}
			select {
			case <-time.After(pause):
			case <-finished:
				return
			}
		}
	}()
	err := <-results
	if took := time.Since(start) - profile; (err == nil) != complete || took > end {
		t.Errorf("ended after %v with error %v", took, err)
	}
}

func TestSizeLimits(t *testing.T) {
	s := serve(t, Options{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			writeError(w, 413, "too large")
		}
	}))
	const start = " / HTTP/1.1\r\nHost: localhost\r\n"
	header := func(size int) string {
		const rest = "GET" + start + "X: \r\n\r\n"
		return strings.Replace(rest, "X: ", "X: "+strings.Repeat("a", size-len(rest)), 1)
	}
	for _, row := range []struct {
		name, request string
		want          int
	}{
		{"header of 64 KiB", header(64 << 10), 200},
		{"header of 64 KiB and a byte", header(64<<10 + 1), 431},
		{"long request line", "GET /?" + strings.Repeat("a", 64<<10) + " HTTP/1.1\r\nHost: localhost\r\n\r\n", 431},
		{"body of POST", "POST" + start + "Content-Length: 3\r\n\r\nabc", 200},
		{"body of POST announced as too large", "POST" + start + "Content-Length: 2000000\r\n\r\n", 413},
		{"body of POST that becomes too large", "POST" + start + "Transfer-Encoding: chunked\r\n\r\n200000\r\n" + strings.Repeat("a", 0x200000) + "\r\n0\r\n\r\n", 413},
		{"body of GET", "GET" + start + "Content-Length: 3\r\n\r\nabc", 400},
		{"empty body of GET", "GET" + start + "Content-Length: 0\r\n\r\n", 200},
	} {
		t.Run(row.name, func(t *testing.T) {
			conn := dial(t, s)
			go io.WriteString(conn, row.request) // the server may answer before it has all
			if response := exchange(t, conn, ""); response.StatusCode != row.want {
				t.Errorf("got %s, want %d", response.Status, row.want)
			}
		})
	}
}

func TestFloodOfSilentConnections(t *testing.T) {
	s := serve(t, Options{Connections: 4}, http.HandlerFunc(hello))
	kept := &http.Client{Transport: &http.Transport{}}
	defer kept.CloseIdleConnections()
	for range 20 {
		dial(t, s)
		if status, _ := get(t, s, "/"); status != 200 {
			t.Fatalf("a probe during the flood got %d", status)
		}
	}
	// Closing them takes the server's goroutines a moment; the bound is on what stays.
	for range 1_000_000 {
		if s.connections.count() <= 4 {
			return
		}
	}
	t.Errorf("%d connections are open, want at most 4", s.connections.count())
}

// Those that wait make room, in the order in which they came.
func TestLongestWaitingMakesRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newConnections(3)
		var near, far []net.Conn
		arrive := func() {
			a, b := net.Pipe()
			near, far = append(near, a), append(far, b)
			c.changed(b, http.StateNew)
			time.Sleep(time.Second)
		}
		for range 3 {
			arrive()
		}
		c.changed(far[0], http.StateActive) // being answered: it stays
		arrive()
		arrive() // the first to make room has yet to leave the count
		for i, want := range []bool{true, false, false, true, true} {
			near[i].SetDeadline(time.Now().Add(time.Second))
			if _, err := near[i].Read(make([]byte, 1)); isTimeout(err) != want {
				t.Errorf("connection %d: got %v, want it open: %t", i, err, want)
			}
			near[i].Close()
			far[i].Close()
		}
	})
}

func TestBusyServerClosesWhatComes(t *testing.T) {
	started, release := make(chan struct{}), make(chan struct{})
	s := serve(t, Options{Connections: 3}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		started <- struct{}{}
		<-release
	}))
	var busy []net.Conn
	for range 3 {
		conn := dial(t, s)
		io.WriteString(conn, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
		<-started
		busy = append(busy, conn)
	}
	one := dial(t, s)
	one.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := one.Read(make([]byte, 1)); err == nil || isTimeout(err) {
		t.Errorf("a connection too many got %v, want it closed", err)
	}
	close(release)
	for _, conn := range busy {
		if response := exchange(t, conn, ""); response.StatusCode != 200 {
			t.Errorf("a request that was being answered got %s", response.Status)
		}
	}
}

func isTimeout(err error) bool {
	n, ok := err.(net.Error)
	return ok && n.Timeout()
}

func TestPanic(t *testing.T) {
	var log logBuffer
	m := NewMux()
	m.Handle("/before", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Content-Disposition", "attachment")
		panic("secret\nof the inside")
	}))
	m.Handle("/nil", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		var h http.Handler
		h.ServeHTTP(nil, nil)
	}))
	m.Handle("/after", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, strings.Repeat("partial", 1000))
		http.NewResponseController(w).Flush()
		panic(fmt.Errorf("late"))
	}))
	m.Handle("/abort", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	m.Handle("/ok", http.HandlerFunc(hello))
	s := serve(t, Options{Logger: log.logger()}, m)

	for i, path := range []string{"/before", "/nil"} {
		response, err := client().Get("http://" + s.Addr().String() + path)
		if err != nil {
			t.Fatal(err)
		}
		data, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if response.Header.Get("Content-Disposition") != "" {
			t.Errorf("%s: a header of the answer that failed is left", path)
		}
		status, body := response.StatusCode, string(data)
		if status != 500 || body != `{"error":"internal error; the log of the process says more"}` {
			t.Errorf("%s: got %d %q", path, status, body)
		}
		if lines := strings.Count(log.String(), "\n"); lines != i+1 {
			t.Errorf("%s: the log has %d lines, want %d:\n%s", path, lines, i+1, &log)
		}
	}
	if !strings.Contains(log.String(), `err="secret\nof the inside"`) || !strings.Contains(log.String(), "diag.TestPanic.func1:") {
		t.Errorf("the log does not say what panicked where:\n%s", &log)
	}
	response, err := client().Get("http://" + s.Addr().String() + "/after")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(response.Body); err == nil {
		t.Error("/after: a partial answer looks complete")
	}
	response.Body.Close()
	before := log.String()
	if _, err := client().Get("http://" + s.Addr().String() + "/abort"); err == nil {
		t.Error("/abort: got an answer")
	}
	if log.String() != before {
		t.Error("/abort: is logged")
	}
	if status, body := get(t, s, "/ok"); status != 200 || body != "hello" {
		t.Errorf("afterwards: got %d %q", status, body)
	}
}

func TestTwoServers(t *testing.T) {
	one := serve(t, Options{}, http.HandlerFunc(hello))
	two := serve(t, Options{}, http.NotFoundHandler())
	if err := one.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	if status, _ := get(t, two, "/"); status != 404 {
		t.Errorf("got %d, want 404 of the other server", status)
	}
	l, err := Listen(t.Context(), one.Addr().String())
	if err != nil {
		t.Fatalf("the address is not free after Shutdown: %v", err)
	}
	l.Close()
}
