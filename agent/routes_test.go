package agent

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/telltale-agent/telltale/agent/internal/profiling"
)

// pipeListener accepts one connection, which works in virtual time.
type pipeListener struct {
	conns chan net.Conn
	close func()
}

func newPipeListener() (pipeListener, net.Conn) {
	near, far := net.Pipe()
	conns := make(chan net.Conn, 1)
	conns <- far
	return pipeListener{conns, sync.OnceFunc(func() { close(conns) })}, near
}

func (l pipeListener) Accept() (net.Conn, error) {
	if conn, open := <-l.conns; open {
		return conn, nil
	}
	return nil, net.ErrClosed
}

func (l pipeListener) Close() error {
	l.close()
	return nil
}

func (l pipeListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

// The longest profile that the configuration allows is served, and not given up
// when it is complete, because the server thinks that the client is slow.
func TestLongestProfileIsServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, err := Start(t.Context(), Config{Debug: true, ProfileLimit: time.Hour}, quiet()...)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Shutdown(context.Background())
		listener, conn := newPipeListener()
		server := a.serving().Serve(listener, a.Handler())
		defer server.Shutdown(context.Background())
		defer conn.Close()
		io.WriteString(conn, "GET /debug/pprof/heap?seconds=3600 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(response.Body); response.StatusCode != 200 || err != nil {
			t.Errorf("got %d with %d bytes, error %v", response.StatusCode, len(body), err)
		}
	})
}

// Who looked into the process is counted, by what came of it.
func TestProfilesAreCounted(t *testing.T) {
	a := startAgent(t, Config{Debug: true})
	for _, path := range []string{"heap", "heap?debug=1", "profile?seconds=500", "nonsense"} {
		ask(a, http.MethodGet, "/debug/pprof/"+path)
	}
	a.auditProfile(profiling.Event{Profile: "profile", Status: http.StatusConflict})
	a.auditProfile(profiling.Event{Profile: "trace", Status: profiling.StatusClientGone})
	_, body := ask(a, http.MethodGet, "/metrics")
	for _, want := range []string{
		`{profile="heap",result="served"} 2`, `{profile="profile",result="refused"} 1`, `{profile="unknown",result="refused"} 1`,
		`{profile="profile",result="busy"} 1`, `{profile="trace",result="failed"} 1`,
	} {
		if !strings.Contains(body, "telltale_profiles_total"+want+"\n") {
			t.Errorf("the scrape does not have %s", want)
		}
	}
}
