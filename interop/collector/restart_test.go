package collector

import (
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/telltale-agent/telltale/interop/internal/harness"
	"github.com/telltale-agent/telltale/interop/internal/otlpserver"
)

// TestRestartBetweenPushes restarts a collector while nothing is under way. The connection that telltale kept is gone
// then, which is no trouble: nothing fails, and nothing is logged.
func TestRestartBetweenPushes(t *testing.T) {
	t.Parallel()
	for _, protocol := range otlpserver.Protocols() {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			c := otlpserver.Start(t, protocol)
			telltale := harness.Start(t, "--otlp", c.URL(), "--push-interval", "3s")
			for pushes := 1; pushes < 4; pushes++ {
				c.AwaitPushes(t, pushes)
				c.Stop(t)
				c.Start(t)
			}
			metrics := telltale.MustScrape(t)
			if failed := metrics.Sum("telltale_push_exports_total", "endpoint", c.URL(), "result", "failure"); failed != 0 {
				t.Errorf("%v pushes failed: %v", failed, metrics["telltale_push_failures_total"])
			}
			if lines := telltale.LogWith("endpoint", c.URL()); len(lines) > 0 {
				t.Errorf("the log speaks of trouble: %v", lines)
			}
		})
	}
}

// TestLastPushIsNotPutOff stops telltale while a collector wants to be left alone for an hour, which has changed its
// mind in the meantime. What was counted since is pushed nevertheless, and the end is not put off.
func TestLastPushIsNotPutOff(t *testing.T) {
	t.Parallel()
	for _, protocol := range otlpserver.Protocols() {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			c := otlpserver.Start(t, protocol)
			c.Refuse(throttled(time.Hour))
			telltale := harness.Start(t, "--otlp", c.URL(), "--push-interval", pushInterval)
			harness.Await(t, "the collector to be asked", func() error {
				return hasFailed(telltale.MustScrape(t), c, "throttled", 1)
			})
			c.Refuse(nil)
			for range 3 {
				telltale.MustScrape(t)
			}
			if took := telltale.Stop(t); took > stopWithin {
				t.Errorf("stopping took %v, want less than %v", took, stopWithin)
			}
			if pushes := len(c.Pushes()); pushes != 1 {
				t.Errorf("%d pushes were accepted, want only the last", pushes)
			}
			checkLastPush(t, c, telltale.Scrapes())
		})
	}
}

// throttled is the answer of a collector that asks to be left alone for a while: over HTTP it becomes status 429 with a
// Retry-After header.
func throttled(wait time.Duration) error {
	st, err := status.New(codes.ResourceExhausted, "too much at once").
		WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(wait)})
	if err != nil {
		return err
	}
	return st.Err()
}
