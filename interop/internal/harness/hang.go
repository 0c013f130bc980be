package harness

import (
	"net"
	"sync"
	"testing"
)

// Hang listens on an address, accepts whatever connects, and never says a word, until release is called or the test
// ends.
func Hang(t testing.TB, addr string) (release func()) {
	t.Helper()
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatalf("listen in order to hang: %v", err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		var held []net.Conn
		for {
			conn, err := listener.Accept()
			if err != nil {
				break
			}
			held = append(held, conn)
		}
		for _, conn := range held {
			_ = conn.Close()
		}
	}()
	release = sync.OnceFunc(func() {
		_ = listener.Close()
		<-done
	})
	t.Cleanup(release)
	return release
}
