package collector

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/telltale-agent/telltale/interop/internal/harness"
	"github.com/telltale-agent/telltale/interop/internal/otlpserver"
)

// trouble is what can be wrong with a collector for a while.
type trouble struct {
	name   string
	reason string // what telltale_push_failures_total must call it
	begin  func(*testing.T, *otlpserver.Collector) (end func())
}

// pushInterval is short, to have many pushes in little time.
const pushInterval = "300ms"

// pushTimeout makes a collector that hangs a failure soon, and leaves time enough to one that is only busy.
const pushTimeout = "OTEL_EXPORTER_OTLP_TIMEOUT=3000"

var troubles = []trouble{
	{"refused", "refused", func(t *testing.T, c *otlpserver.Collector) func() {
		c.Stop(t)
		return func() { c.Start(t) }
	}},
	{"hung", "timeout", func(t *testing.T, c *otlpserver.Collector) func() {
		c.Stop(t)
		release := harness.Hang(t, c.Addr)
		return func() {
			release()
			c.Start(t)
		}
	}},
	{"throttled", "throttled", refusing(throttled(time.Second))},
	{"unavailable", "unavailable", refusing(errors.New("the queue behind the receiver is full"))},
	{"rejected", "rejected", refusing(status.Error(codes.InvalidArgument, "not what is wanted here"))},
}

// refusing is a trouble of a collector that takes requests and says no.
func refusing(answer error) func(*testing.T, *otlpserver.Collector) func() {
	return func(_ *testing.T, c *otlpserver.Collector) func() {
		c.Refuse(answer)
		return func() { c.Refuse(nil) }
	}
}

// TestTroublePassesWithoutLoss has one telltale push to a collector that goes through every trouble in turn. Each time
// the push metrics say what is the matter while it is and that it is over once it is, and the log has one line at the
// beginning and one at the end. Afterwards the collector knows exactly as many scrapes and heartbeats as there were.
func TestTroublePassesWithoutLoss(t *testing.T) {
	t.Parallel()
	for _, protocol := range otlpserver.Protocols() {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			web := startWeb(t)
			c := otlpserver.Start(t, protocol)
			telltale := harness.StartWithEnv(t, []string{pushTimeout},
				"--otlp", c.URL(), "--push-interval", pushInterval, "--component", "web="+web.url, "--heartbeat", "500ms")
			c.AwaitPushes(t, 2)
			for _, trouble := range troubles {
				t.Run(trouble.name, func(t *testing.T) { goThrough(t, trouble, telltale, c) })
			}

			telltale.Stop(t)
			scrapes := checkCounter(t, c, "promhttp_metric_handler_requests_total", "code", "200")
			if want := telltale.Scrapes(); scrapes != want {
				t.Errorf("the collector knows of %v scrapes, there were %v", scrapes, want)
			}
			// A probe that was under way at the end was served and not reported.
			beats := checkCounter(t, c, "telltale_component_heartbeats_total", "component", "web", "result", "ok")
			if served := web.served(); beats > served || beats < served-1 {
				t.Errorf("the collector knows of %v heartbeats, %v probes were served", beats, served)
			}
		})
	}
}

// goThrough has one trouble begin and end.
func goThrough(t *testing.T, trouble trouble, telltale *harness.Process, c *otlpserver.Collector) {
	logged := len(telltale.LogWith("endpoint", c.URL()))
	before := telltale.MustScrape(t)
	end := sync.OnceFunc(trouble.begin(t, c))
	defer end() // the next trouble begins with a collector that is well

	failed := before.Sum(failuresTotal, "endpoint", c.URL(), "reason", trouble.reason)
	var first, during harness.Families
	harness.Await(t, "failures to be counted as "+trouble.reason, func() error {
		during = telltale.MustScrape(t)
		if first == nil && hasFailed(during, c, trouble.reason, failed+1) == nil {
			first = during
		}
		return hasFailed(during, c, trouble.reason, failed+2)
	})
	checkDown(t, c, first, during)
	checkLogged(t, telltale, c, logged, 1)

	accepted := len(c.Pushes())
	scrapes := telltale.Scrapes()
	healed := time.Now()
	end()
	harness.Await(t, "the pushes to be counted as successful again", func() error {
		f := telltale.MustScrape(t)
		if up, _ := f.Value("telltale_push_up", "endpoint", c.URL()); up != 1 {
			return fmt.Errorf("telltale_push_up is %v", up)
		}
		last, _ := f.Value("telltale_push_last_success_timestamp_seconds", "endpoint", c.URL())
		if last < float64(healed.UnixMilli())/1000 {
			return fmt.Errorf("last success was at %v", last)
		}
		return nil
	})
	after := c.AwaitPushes(t, accepted+2)[accepted+1]
	checkLogged(t, telltale, c, logged, 2)
	known, err := after.Number("promhttp_metric_handler_requests_total", "code", "200")
	if err != nil || known.Value < scrapes {
		t.Errorf("after the trouble the collector knows of %v scrapes (%v), %v had been made during it", known.Value, err, scrapes)
	}
}

const failuresTotal = "telltale_push_failures_total"

// hasFailed wants so many failures of a kind at least.
func hasFailed(metrics harness.Families, c *otlpserver.Collector, reason string, want float64) error {
	if got := metrics.Sum(failuresTotal, "endpoint", c.URL(), "reason", reason); got < want {
		return fmt.Errorf("%v, want %v: %v", got, want, metrics[failuresTotal])
	}
	return nil
}

// checkDown compares two scrapes from the time of a trouble.
func checkDown(t *testing.T, c *otlpserver.Collector, first, later harness.Families) {
	t.Helper()
	if up, ok := later.Value("telltale_push_up", "endpoint", c.URL()); !ok || up != 0 {
		t.Errorf("telltale_push_up is %v (%v) while pushes fail, want 0", up, ok)
	}
	for _, same := range [][]string{
		{"telltale_push_last_success_timestamp_seconds", "endpoint", c.URL()},
		{"telltale_push_exports_total", "endpoint", c.URL(), "result", "success"},
	} {
		a, okA := first.Value(same[0], same[1:]...)
		b, okB := later.Value(same[0], same[1:]...)
		if !okA || !okB || a != b {
			t.Errorf("%s moved from %v (%v) to %v (%v) while pushes fail", same[0], a, okA, b, okB)
		}
	}
	failed, _ := later.Value("telltale_push_exports_total", "endpoint", c.URL(), "result", "failure")
	if reasons := later.Sum(failuresTotal, "endpoint", c.URL()); reasons != failed {
		t.Errorf("%v pushes failed, for %v reasons: %v", failed, reasons, later[failuresTotal])
	}
}

// checkLogged wants so many lines about the collector since the given number of them: the first says what is wrong,
// the second that it is over.
func checkLogged(t *testing.T, telltale *harness.Process, c *otlpserver.Collector, since, want int) {
	t.Helper()
	lines := telltale.LogWith("endpoint", c.URL())[since:]
	if len(lines) != want {
		t.Errorf("%d log lines about the collector, want %d: %v", len(lines), want, lines)
		return
	}
	if level := lines[0].Attrs["level"]; level != "WARN" && level != "ERROR" || lines[0].Attrs["err"] == "" {
		t.Errorf("the first line does not warn with an error: %s", lines[0].Text)
	}
	if want > 1 && (lines[1].Attrs["err"] != "" || lines[1].Message() == lines[0].Message()) {
		t.Errorf("the last line does not say that it is over: %s", lines[1].Text)
	}
}

// checkCounter follows one counter through all accepted pushes and returns its last value. What a backend adds up is
// right only if the counter never falls and never starts anew.
func checkCounter(t *testing.T, c *otlpserver.Collector, name string, labels ...string) float64 {
	t.Helper()
	var first, last otlpserver.Number
	for i, p := range c.Pushes() {
		point, err := p.Number(name, labels...)
		if err != nil {
			t.Errorf("push %d: %v", i, err)
			continue
		}
		if i == 0 {
			first = point
		}
		if point.Value < last.Value {
			t.Errorf("push %d: %s falls from %v to %v", i, name, last.Value, point.Value)
		}
		if !point.Start.Equal(first.Start) {
			t.Errorf("push %d: %s starts anew at %v, it began at %v", i, name, point.Start, first.Start)
		}
		last = point
	}
	return last.Value
}
