package diag

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"
)

func TestListenRefuses(t *testing.T) {
	taken, err := Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, row := range []struct{ name, address, want string }{
		{"empty", "", "is empty; write HOST:PORT"},
		{"host only", "127.0.0.1", "port is missing; write HOST:PORT"},
		{"port only", "3000", "port is missing; write HOST:PORT"},
		{"colon without port", "127.0.0.1:", "port is missing"},
		{"port out of range", "127.0.0.1:65536", "0 to 65535"},
		{"negative port", "127.0.0.1:-1", "0 to 65535"},
		{"name of a port", "127.0.0.1:http", "0 to 65535"},
		{"URL", "http://127.0.0.1:3000", "too many colons"},
		{"URL without scheme", "//localhost:3000", "neither a name nor an address"},
		{"IPv6 without brackets", "::1:3000", "in brackets"},
		{"open bracket", "[::1:3000", "cannot be understood"},
		{"line break", "local\nhost:3000", "neither a name nor an address"},
		{"in use", taken.Addr().String(), "already in use; stop what uses it or choose another port"},
		{"not local", "192.0.2.1:0", "does not belong to this machine"},
		{"unknown host", "no-such-host.invalid:0", "could not be looked up"},
		{"long", strings.Repeat("a", 9999), "port is missing"},
	} {
		t.Run(row.name, func(t *testing.T) {
			l, err := Listen(t.Context(), row.address)
			if err == nil {
				l.Close()
				t.Fatal("got no error")
			}
			text := err.Error()
			if !strings.HasPrefix(text, "listen on ") || !strings.Contains(text, row.want) {
				t.Errorf("got %q, want %q in it", text, row.want)
			}
			if strings.ContainsAny(text, "\n\r") || len(text) > 400 {
				t.Errorf("error %q is not one short line", text)
			}
		})
	}
	if _, err := Listen(t.Context(), taken.Addr().String()); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("got %v, want EADDRINUSE to be found by errors.Is", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Listen(ended, "localhost:0"); err == nil || !strings.Contains(err.Error(), "cancelled") {
		t.Errorf("after the end of ctx: got %v", err)
	}
}

func TestListenAccepts(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "localhost:0", ":0", "0.0.0.0:0"} {
		l, err := Listen(t.Context(), address)
		if err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		l.Close()
	}
}
