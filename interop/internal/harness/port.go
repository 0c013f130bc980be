package harness

import (
	"math/rand/v2"
	"net"
	"strconv"
	"testing"
)

// Address picks a loopback address for a peer that must come back on the port it had. Nobody listens there now, and
// nobody gets the port by asking for any: it lies below the range from which the system takes those.
func Address(t testing.TB) string {
	t.Helper()
	const low, high = 20_000, 32_000
	for range 100 {
		addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(low+rand.IntN(high-low)))
		listener, err := net.Listen("tcp", addr)
		if err != nil {
			continue
		}
		_ = listener.Close()
		return addr
	}
	t.Fatal("no free port found")
	return ""
}
