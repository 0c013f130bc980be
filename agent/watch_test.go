package agent

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/telltale-agent/telltale/health"
)

// Each check has a loop of its own and less time than its interval: what hangs
// fails before the next check is due, and holds up no other.
func TestWatchedComponentsDoNotWaitForEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, err := Start(t.Context(), Config{Heartbeat: 10 * time.Second}, quiet()...)
		if err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		ctx, stop := context.WithCancel(t.Context())
		deaf := make(chan struct{}) // to its context
		for name, check := range map[string]func(context.Context) error{
			"good":  func(context.Context) error { return nil },
			"hangs": func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
			"deaf":  func(context.Context) error { <-deaf; return nil },
		} {
			a.loop(ctx, a.Health().Component(name), check)
		}
		time.Sleep(31 * time.Second)
		synctest.Wait()
		s := a.Health().Snapshot()
		for _, want := range []struct {
			name       string
			state      health.State
			reason     health.Reason
			oks, fails uint64
			lastReport time.Duration
		}{
			{"good", health.StateOK, health.ReasonNone, 4, 0, 30 * time.Second},
			{"hangs", health.StateDegraded, health.ReasonFailed, 0, 3, 29 * time.Second},
			{"deaf", health.StateDegraded, health.ReasonNeverReported, 0, 0, 0},
		} {
			got, _ := s.Component(want.name)
			last := time.Duration(0)
			if !got.LastReport.IsZero() {
				last = got.LastReport.Sub(begun)
			}
			if got.State != want.state || got.Reason != want.reason || got.OKs != want.oks || got.Fails != want.fails || last != want.lastReport {
				t.Errorf("%s: got %s (%s), %d oks, %d fails, the last report after %s; want %+v",
					want.name, got.State, got.Reason, got.OKs, got.Fails, last, want)
			}
		}
		stop()
		close(deaf)
		if err := a.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
}
