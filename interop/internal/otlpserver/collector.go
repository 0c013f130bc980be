// Package otlpserver runs the OTLP receiver of an OpenTelemetry Collector and keeps what it takes.
package otlpserver

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/collector/client"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
	"go.opentelemetry.io/collector/receiver/receivertest"

	"github.com/telltale-agent/telltale/interop/internal/harness"
)

// The two protocols, as the receiver's configuration names them.
const (
	HTTP = "http"
	GRPC = "grpc"
)

// Protocols returns both.
func Protocols() []string { return []string{HTTP, GRPC} }

// Collector is an OTLP receiver on an address that it keeps over restarts, and everything it accepted.
type Collector struct {
	Addr     string         // host and port
	Settings map[string]any // of the protocol, beyond the address
	protocol string
	receiver receiver.Metrics // nil while it is stopped

	mu       sync.Mutex
	refusal  error           // guarded by mu; what the pipeline behind the receiver says to a push, nil to accept it
	accepted []Push          // guarded by mu
	metadata client.Metadata // guarded by mu; of the latest push
}

// Push is one accepted request.
type Push struct {
	At      time.Time
	Metrics pmetric.Metrics
}

// New chooses an address for a collector that is yet to start. When the test ends, it is stopped.
func New(t testing.TB, protocol string) *Collector {
	t.Helper()
	c := &Collector{protocol: protocol, Addr: harness.Address(t)}
	t.Cleanup(func() { c.Stop(t) })
	return c
}

// Start makes a collector that runs until the test ends.
func Start(t testing.TB, protocol string) *Collector {
	t.Helper()
	c := New(t, protocol)
	c.Start(t)
	return c
}

// URL is what --otlp takes for the collector; it is the endpoint label of the push metrics as well.
func (c *Collector) URL() string { return c.protocol + "://" + c.Addr }

// Start listens on the address that the collector has.
func (c *Collector) Start(t testing.TB) {
	t.Helper()
	factory := otlpreceiver.NewFactory()
	cfg := factory.CreateDefaultConfig()
	settings := map[string]any{"endpoint": c.Addr, "include_metadata": true}
	for key, value := range c.Settings {
		settings[key] = value
	}
	conf := confmap.NewFromStringMap(map[string]any{"protocols": map[string]any{c.protocol: settings}})
	if err := conf.Unmarshal(cfg); err != nil {
		t.Fatalf("configure the receiver: %v", err)
	}
	sink, err := consumer.NewMetrics(c.consume)
	if err != nil {
		t.Fatal(err)
	}
	c.receiver, err = factory.CreateMetrics(context.Background(), receivertest.NewNopSettings(factory.Type()), cfg, sink)
	if err != nil {
		t.Fatalf("make the receiver: %v", err)
	}
	if err := c.receiver.Start(context.Background(), componenttest.NewNopHost()); err != nil {
		t.Fatalf("start the receiver: %v", err)
	}
}

// Stop closes the port. It may be called for a collector that is stopped.
func (c *Collector) Stop(t testing.TB) {
	t.Helper()
	if c.receiver == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), harness.Patience)
	defer cancel()
	if err := c.receiver.Shutdown(ctx); err != nil {
		t.Errorf("stop the receiver: %v", err)
	}
	c.receiver = nil
}

// consume is the pipeline behind the receiver.
func (c *Collector) consume(ctx context.Context, metrics pmetric.Metrics) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refusal != nil {
		return c.refusal
	}
	own := pmetric.NewMetrics()
	metrics.CopyTo(own)
	c.accepted = append(c.accepted, Push{time.Now(), own})
	c.metadata = client.FromContext(ctx).Metadata
	return nil
}

// Header is what the latest accepted push had in a header, or in gRPC metadata.
func (c *Collector) Header(name string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.metadata.Get(name)
}

// Refuse makes the pipeline answer every push with err; nil makes it accept again.
func (c *Collector) Refuse(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refusal = err
}

// Pushes is what was accepted so far, oldest first.
func (c *Collector) Pushes() []Push {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.accepted[:len(c.accepted):len(c.accepted)]
}

// AwaitPushes waits until n pushes in all were accepted and returns them.
func (c *Collector) AwaitPushes(t testing.TB, n int) []Push {
	t.Helper()
	harness.Await(t, fmt.Sprintf("push %d to %s", n, c.URL()), func() error {
		if got := len(c.Pushes()); got < n {
			return fmt.Errorf("%d pushes so far", got)
		}
		return nil
	})
	return c.Pushes()
}

// Last is the latest accepted push.
func (c *Collector) Last() (Push, error) {
	pushes := c.Pushes()
	if len(pushes) == 0 {
		return Push{}, errors.New("no push yet")
	}
	return pushes[len(pushes)-1], nil
}
