package harness

import (
	"testing"
	"time"
)

// Patience is how long a condition that holds within milliseconds on an idle machine may take on a busy one.
const Patience = 60 * time.Second

// pollEvery is the pause between two looks at a condition.
const pollEvery = 25 * time.Millisecond

// Await polls until cond returns nil and fails the test with its last error when that takes longer than Patience.
// what ends the sentence "timed out waiting for …".
func Await(t testing.TB, what string, cond func() error) {
	t.Helper()
	deadline := time.NewTimer(Patience)
	defer deadline.Stop()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		err := cond()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("timed out waiting for %s: %v", what, err)
		}
	}
}
