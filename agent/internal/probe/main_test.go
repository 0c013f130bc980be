package probe

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// mustParse fails the test if the URL is refused, and closes the check at its end.
func mustParse(t *testing.T, rawURL string, s settings) Check {
	t.Helper()
	c, err := parse(rawURL, s)
	if err != nil {
		t.Fatalf("parse: %v", err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// run does the check with a deadline that only a test that hangs will meet.
func run(t *testing.T, c Check) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	return c.Run(ctx)
}

// listen opens a listener that is closed at the end of the test.
func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// refusing returns an address where nothing listens.
func refusing(t *testing.T) string {
	t.Helper()
	l := listen(t)
	address := l.Addr().String()
	l.Close()
	return address
}

// serveRaw answers each connection of a listener with handle and closes it.
func serveRaw(t *testing.T, handle func(net.Conn)) string {
	t.Helper()
	l := listen(t)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				handle(conn)
			}()
		}
	}()
	return l.Addr().String()
}

// blackHole accepts connections and never answers.
func blackHole(t *testing.T) string {
	t.Helper()
	return serveRaw(t, func(conn net.Conn) {
		buffer := make([]byte, 4096)
		for {
			if _, err := conn.Read(buffer); err != nil {
				return
			}
		}
	})
}

func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("got no error, want one with %q", parts)
	}
	text := err.Error()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("got error %q, want %q in it", text, part)
		}
	}
	wantPresentable(t, text)
}

func wantPresentable(t *testing.T, text string) {
	t.Helper()
	if strings.ContainsFunc(text, func(r rune) bool { return r < 0x20 || r == 0x7f }) {
		t.Errorf("error %q is not one line", text)
	}
	if strings.Contains(text, "hunter2") {
		t.Errorf("error %q has the secret in it", text)
	}
	if len(text) > 600 {
		t.Errorf("error of %d bytes is too long: %s", len(text), text)
	}
}
