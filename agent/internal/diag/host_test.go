package diag

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
)

var hosts = []struct {
	host string
	want bool
}{
	{"localhost", true}, {"localhost:3000", true}, {"LocalHost:80", true}, {"localhost.", true}, {"localhost.:1", true},
	{"app.localhost", true}, {"a.b-c.localhost:3000", true},
	{"127.0.0.1", true}, {"127.0.0.1:3000", true}, {"127.255.0.9:1", true},
	{"[::1]", true}, {"[::1]:3000", true}, {"[0:0:0:0:0:0:0:1]", true}, {"[::ffff:127.0.0.1]:80", true},

	{"example.com", false}, {"example.com:3000", false}, {"localhost.example.com", false}, {"notlocalhost", false},
	{"127.0.0.1.example.com", false}, {"127.0.0.1.nip.io:3000", false}, {"128.0.0.1", false}, {"0.0.0.0:3000", false},
	{"10.0.0.1", false}, {"[::]:3000", false}, {"[::2]", false}, {"[fe80::1%lo]", false}, {"[::1%lo]", false},
	{"::1", false}, {"[::1", false}, {"[127.0.0.1]", false}, {"[localhost]", false}, {"[::1]x", false},
	{"localhost:", false}, {"localhost:x", false}, {"localhost:80:80", false}, {"localhost:70000", false},
	{".localhost", false}, {"a..localhost", false}, {"a/b.localhost", false}, {"user@localhost", false},
	{"localhost..", false}, {"127.1", false}, {"2130706433", false}, {"0x7f.0.0.1", false}, {"127.0.0.1.", false}, {":80", false},
}

func TestLoopbackHost(t *testing.T) {
	for _, row := range hosts {
		if got := loopbackHost(row.host); got != row.want {
			t.Errorf("%q: got %v, want %v", row.host, got, row.want)
		}
	}
}

func FuzzLoopbackHost(f *testing.F) {
	for _, row := range hosts {
		f.Add(row.host)
	}
	f.Fuzz(func(t *testing.T, host string) {
		if !loopbackHost(host) {
			return
		}
		// What is let through has to be loopback in the eyes of another parser as well.
		name := host
		if h, _, err := net.SplitHostPort(host); err == nil {
			name = h
		}
		name = strings.ToLower(strings.Trim(name, "[]"))
		ip := net.ParseIP(name)
		name = strings.TrimSuffix(name, ".")
		if (ip == nil || !ip.IsLoopback()) && name != "localhost" && !strings.HasSuffix(name, ".localhost") {
			t.Errorf("%q is let through", host)
		}
	})
}

func TestHostOfRequests(t *testing.T) {
	s := serve(t, Options{}, http.HandlerFunc(hello))
	for _, row := range []struct {
		name, request string
		want          int
	}{
		{"loopback", "GET / HTTP/1.1\r\nHost: localhost:3000\r\n\r\n", 200},
		{"other name", "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403},
		{"other name in the request line", "GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n", 403},
		{"empty", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 403},
		{"none", "GET / HTTP/1.1\r\n\r\n", 400},
		{"two", "GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n", 400},
		{"HTTP/1.0 without", "GET / HTTP/1.0\r\n\r\n", 200},
		{"HTTP/1.0 with another name", "GET / HTTP/1.0\r\nHost: evil.example\r\n\r\n", 403},
		{"general OPTIONS", "OPTIONS * HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403},
	} {
		t.Run(row.name, func(t *testing.T) {
			response := exchange(t, dial(t, s), row.request)
			if response.StatusCode != row.want {
				t.Errorf("got %s, want %d", response.Status, row.want)
			}
			if row.want == 403 && response.Header.Get("Content-Type") != "application/json" {
				t.Errorf("got type %q", response.Header.Get("Content-Type"))
			}
		})
	}
}

func TestHostIsNotCheckedElsewhere(t *testing.T) {
	for address, want := range map[string]int{"127.0.0.1:0": 403, "0.0.0.0:0": 200} {
		l, err := Listen(t.Context(), address)
		if err != nil {
			t.Fatal(err)
		}
		s := Options{}.Serve(l, http.HandlerFunc(hello))
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.Addr().(*net.TCPAddr).Port))
		if err != nil {
			t.Fatal(err)
		}
		if response := exchange(t, conn, "GET / HTTP/1.1\r\nHost: node7.example\r\n\r\n"); response.StatusCode != want {
			t.Errorf("on %s: got %s, want %d", address, response.Status, want)
		}
		conn.Close()
		if err := s.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	}
}
