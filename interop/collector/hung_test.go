package collector

import (
	"testing"
	"time"

	"github.com/telltale-agent/telltale/interop/internal/harness"
	"github.com/telltale-agent/telltale/interop/internal/otlpserver"
)

// stopWithin is the contract's bound for stopping, five seconds, and a margin for a busy machine. The plain SDK takes
// ten seconds with a silent collector over gRPC and thirty over HTTP.
const stopWithin = 9 * time.Second

// hungURLs are two collectors, one for each protocol, that take connections and never answer.
func hungURLs(t *testing.T) []string {
	t.Helper()
	var urls []string
	for _, protocol := range otlpserver.Protocols() {
		addr := harness.Address(t)
		harness.Hang(t, addr)
		urls = append(urls, protocol+"://"+addr)
	}
	return urls
}

// TestHungCollectorSlowsNothing pushes to two collectors that hang and to two that do not. The latter are served again
// and again while the very first push to the former is still waiting for an answer, and so are scrapes.
func TestHungCollectorSlowsNothing(t *testing.T) {
	t.Parallel()
	healthy, args := startHealthy(t)
	hung := hungURLs(t)
	for _, url := range hung {
		args = append(args, "--otlp", url)
	}
	telltale := harness.Start(t, append(args, "--push-interval", pushInterval)...)
	for _, c := range healthy {
		c.AwaitPushes(t, 5)
	}
	metrics := telltale.MustScrape(t)
	for _, url := range hung {
		if ended := metrics.Sum("telltale_push_exports_total", "endpoint", url); ended != 0 {
			t.Errorf("%v pushes to %s have ended; the first was to wait longer than five pushes take", ended, url)
		}
	}
	for _, c := range healthy {
		if up, _ := metrics.Value("telltale_push_up", "endpoint", c.URL()); up != 1 {
			t.Errorf("telltale_push_up of %s is %v, want 1", c.URL(), up)
		}
	}
}

// startHealthy starts a collector for each protocol, and returns them with the arguments that make telltale push there.
func startHealthy(t *testing.T) (healthy []*otlpserver.Collector, args []string) {
	t.Helper()
	for _, protocol := range otlpserver.Protocols() {
		c := otlpserver.Start(t, protocol)
		healthy = append(healthy, c)
		args = append(args, "--otlp", c.URL())
	}
	return healthy, args
}

// TestStopWithHungCollectors stops a telltale while two of its collectors hang, one time before its push interval has
// ever elapsed, one time amid pushes. It is gone within the bound, and its last push has reached the healthy ones.
func TestStopWithHungCollectors(t *testing.T) {
	t.Parallel()
	for name, interval := range map[string]string{"before the first push": "1h", "amid pushes": pushInterval} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			healthy, args := startHealthy(t)
			for _, url := range hungURLs(t) {
				args = append(args, "--otlp", url)
			}
			telltale := harness.Start(t, append(args, "--push-interval", interval)...)
			for range 3 {
				telltale.MustScrape(t)
			}
			if interval != "1h" {
				healthy[0].AwaitPushes(t, 2)
				telltale.MustScrape(t)
			}
			if took := telltale.Stop(t); took > stopWithin {
				t.Errorf("stopping took %v, want less than %v", took, stopWithin)
			}
			for _, c := range healthy {
				checkLastPush(t, c, telltale.Scrapes())
			}
		})
	}
}

// checkLastPush wants the latest push to know all scrapes.
func checkLastPush(t *testing.T, c *otlpserver.Collector, scrapes float64) {
	t.Helper()
	last, err := c.Last()
	if err != nil {
		t.Errorf("%s: %v", c.URL(), err)
		return
	}
	known, err := last.Number("promhttp_metric_handler_requests_total", "code", "200")
	if err != nil || known.Value != scrapes {
		t.Errorf("the last push to %s says %v scrapes (%v), there were %v", c.URL(), known.Value, err, scrapes)
	}
}

// TestNoCollectorAtAll starts and stops a telltale that never reaches its collectors.
func TestNoCollectorAtAll(t *testing.T) {
	t.Parallel()
	var args []string
	for _, protocol := range otlpserver.Protocols() {
		args = append(args, "--otlp", otlpserver.New(t, protocol).URL())
	}
	telltale := harness.Start(t, append(args, "--push-interval", "1h")...)
	ready, err := telltale.Ready("/readyz")
	if err != nil {
		t.Fatal(err)
	}
	if ready.Code == 0 {
		t.Errorf("no answer: %v", ready)
	}
	if took := telltale.Stop(t); took > stopWithin {
		t.Errorf("stopping took %v, want less than %v", took, stopWithin)
	}
}
