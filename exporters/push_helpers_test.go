package exporters

import (
	"bytes"
	"context"
	"io"
	"log"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
)

func quietLog() *log.Logger { return log.New(io.Discard, "", 0) }

// lines is a log that a test can read.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (l *lines) count(part string) int { return strings.Count(l.String(), part) }

func (l *lines) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// rig is a push on a provider of its own, with one counter.
type rig struct {
	*Push
	provider *sdkmetric.MeterProvider
	counter  metric.Int64Counter
	log      *lines
}

// forever is an interval that no test sees the end of.
const forever = 24 * time.Hour

// newRig makes a push for target, with forever as the interval unless it has
// one, and shuts it down with the test.
func newRig(t *testing.T, target Target) *rig {
	t.Helper()
	target.Interval = or(target.Interval, forever)
	dial, err := newDialer(target.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	return newRigOver(t, target, dial)
}

// newRigOver is newRig with wires of the test's own.
func newRigOver(t *testing.T, target Target, dial dialer) *rig {
	t.Helper()
	r := &rig{log: new(lines)}
	push, err := newPush(target, dial, PushOptions{Logger: r.log.logger()})
	if err != nil {
		t.Fatal(err)
	}
	r.Push = push
	r.provider = sdkmetric.NewMeterProvider(sdkmetric.WithReader(push.Reader()))
	r.counter, err = r.provider.Meter("test").Int64Counter("events")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = push.Shutdown(ctx)
		<-push.done
	})
	return r
}

// withoutRetries makes every failure final, without a short timeout that a
// loaded machine might exceed. It comes before the first export.
func (r *rig) withoutRetries() *rig {
	r.sender.backoff = forever
	return r
}

func (r *rig) add(n int64) { r.counter.Add(context.Background(), n) }

// flushed is a ForceFlush that has to succeed.
func (r *rig) flushed(t *testing.T) {
	t.Helper()
	if err := r.ForceFlush(t.Context()); err != nil {
		t.Fatalf("flush: %v", err)
	}
}

// settle returns when no export is under way: a caller whose context ends does
// not wait for what becomes of its export.
func (r *rig) settle(t *testing.T) {
	t.Helper()
	ended, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	cancel()
	r.flush <- flushRequest{ended, result}
	<-result
}

// refused is a ForceFlush that has to fail with a text.
func (r *rig) refused(t *testing.T, want string) {
	t.Helper()
	err := r.ForceFlush(t.Context())
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Fatalf("flush: got %v, want an error with %q", err, want)
	}
}

// bothProtocols runs a test over HTTP and gRPC.
func bothProtocols(t *testing.T, test func(t *testing.T, protocol string)) {
	for _, protocol := range []string{"http", "grpc"} {
		t.Run(protocol, func(t *testing.T) { test(t, protocol) })
	}
}

type observer = metric.Observer
