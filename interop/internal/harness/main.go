package harness

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// RunTests runs the tests of a package, removes the command built for them, and fails if a goroutine outlives them.
// It never returns: it is the last call in TestMain. The options name goroutines that a peer leaves behind.
func RunTests(m *testing.M, options ...goleak.Option) {
	options = append(options, goleak.Cleanup(func(status int) {
		shared.remove()
		os.Exit(status)
	}))
	goleak.VerifyTestMain(m, options...)
}
