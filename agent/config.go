package agent

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/telltale-agent/telltale/agent/internal/diag"
	"github.com/telltale-agent/telltale/exporters"
	"github.com/telltale-agent/telltale/instruments"
	"github.com/telltale-agent/telltale/instruments/buildinfo"
)

// Defaults of the fields of Config that are zero.
const (
	DefaultHeartbeat       = 5 * time.Second
	DefaultShutdownTimeout = 5 * time.Second
	DefaultProfileLimit    = 120 * time.Second
)

// Config is what an operator may decide about an agent. The zero value is
// valid: an agent that serves on no address of its own and pushes to nobody,
// whose endpoints the embedder mounts with [Agent.Handler].
//
// What stands in more than one place is taken from the first of these that says
// it: this struct (the flags of the command), the OTEL_* variables of the
// environment, the configuration file, the default.
type Config struct {
	// DiagAddr is the host:port to serve the diagnostics endpoints on. Port 0
	// picks a free one, see [Agent.Addr]. Empty serves on none.
	DiagAddr string

	// Debug switches the endpoints under /debug/pprof/ on.
	Debug bool

	// Components are declared before anything is served: the process is not
	// ready until each has reported that it works. More can be declared later
	// through [Agent.Health].
	Components []string

	// Watch are components that the agent checks itself.
	Watch []Watch

	// Heartbeat is the interval at which components are due to report, and at
	// which the agent checks those in Watch. Default 5 s.
	Heartbeat time.Duration

	// OTLP are the collectors to push to. With none, those of the environment
	// are taken, and with none there, those of the configuration file, unless
	// OTEL_METRICS_EXPORTER names other exporters than otlp only.
	OTLP []exporters.Target

	// PushInterval is the time between two pushes, for targets that do not say
	// otherwise. Default 60 s.
	PushInterval time.Duration

	// ServiceName is the service.name of the resource. Default "telltale".
	ServiceName string

	// Resource are further attributes of the resource that pushes carry. They win
	// over those of the file; OTEL_RESOURCE_ATTRIBUTES wins over both, so that
	// whoever deploys a program can always say where it runs.
	Resource map[string]string

	// ConfigFile is the path of an otel-config.yaml. Empty reads none.
	ConfigFile string

	// ScopeInfo adds the otel_scope_* labels to every series of /metrics.
	ScopeInfo bool

	// TargetInfo adds the target_info metric to /metrics.
	TargetInfo bool

	// SeriesLimit is the number of series that one metric may have, the overflow
	// series included. Default 2000.
	SeriesLimit int

	// ProfileLimit is the longest CPU profile or trace that can be asked for.
	// Default 120 s.
	ProfileLimit time.Duration

	// ShutdownTimeout bounds Shutdown as a whole. Default 5 s.
	ShutdownTimeout time.Duration

	// Build overrides what teleport_build_info says, field by field. The
	// default comes from the build information of the binary.
	Build buildinfo.Info
}

// Watch is a component that the agent checks itself, once each heartbeat.
type Watch struct {
	// Name of the component, as /readyz shows it.
	Name string

	// URL of what is checked: tcp://host:port (it accepts a connection),
	// http(s)://host[:port]/path (it answers 2xx), or
	// grpc(s)://host:port[/service] (the gRPC health protocol says SERVING).
	URL string
}

// withDefaults fills in what is zero.
func (c Config) withDefaults() Config {
	c.Heartbeat = or(c.Heartbeat, DefaultHeartbeat)
	c.SeriesLimit = or(c.SeriesLimit, instruments.DefaultSeriesLimit)
	c.ProfileLimit = or(c.ProfileLimit, DefaultProfileLimit)
	c.ShutdownTimeout = or(c.ShutdownTimeout, DefaultShutdownTimeout)
	c.Build = c.Build.Or(buildinfo.Read())
	return c
}

func or[T comparable](given, fallback T) T {
	var zero T
	if given == zero {
		return fallback
	}
	return given
}

// validate reports every value that is out of range or cannot be understood.
func (c Config) validate() error {
	return errors.Join(
		addressUnderstood(c.DiagAddr),
		durationWithin("heartbeat", c.Heartbeat, 10*time.Millisecond, 24*time.Hour),
		durationWithin("push interval", or(c.PushInterval, time.Second), 10*time.Millisecond, 24*time.Hour),
		durationWithin("profile limit", c.ProfileLimit, time.Second, time.Hour),
		durationWithin("shutdown timeout", c.ShutdownTimeout, 10*time.Millisecond, time.Hour),
		seriesLimitWithin(c.SeriesLimit),
	)
}

func addressUnderstood(addr string) error {
	if addr == "" {
		return nil
	}
	if err := diag.CheckAddress(addr); err != nil {
		return fmt.Errorf("diag-addr %w", err)
	}
	return nil
}

func durationWithin(what string, d, least, most time.Duration) error {
	if d < least || d > most {
		return fmt.Errorf("%s %s: use a duration from %s to %s", what, d, least, most)
	}
	return nil
}

func seriesLimitWithin(n int) error {
	if n < 2 || n > math.MaxInt32 {
		return fmt.Errorf("series limit %d: use a number from 2 to %d", n, math.MaxInt32)
	}
	return nil
}
