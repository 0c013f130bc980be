package inventory

import (
	"cmp"
	"log/slog"
	"time"
)

// What holds where [Options] say nothing.
const (
	DefaultTTL         = 10 * time.Minute
	DefaultInterval    = time.Minute
	DefaultMaxServers  = 100_000
	DefaultMaxVersions = 100
)

// Options say how an [Inventory] judges what it hears. The zero value is
// usable; what is zero or, where nothing else is said, negative has its default.
type Options struct {
	// TTL is how long a server and a connection stay after the last sign of
	// life, [DefaultTTL] by default.
	TTL time.Duration

	// Interval is the time between two heartbeats of a server, [DefaultInterval]
	// by default. Above TTL no heartbeat is ever missed.
	Interval time.Duration

	// Grace is how much later a heartbeat may be before it counts as missed: no
	// clock and no network is exact. By default it is a tenth of Interval; a
	// negative one is none.
	Grace time.Duration

	// MaxServers bounds the servers, [DefaultMaxServers] by default.
	MaxServers int

	// MaxConnections bounds the connections, twice MaxServers by default.
	MaxConnections int

	// MaxVersions bounds the versions that have a series of their own,
	// [DefaultMaxVersions] by default.
	MaxVersions int

	// Logger is told when the inventory is full, and when it no longer is;
	// slog.Default() by default.
	Logger *slog.Logger
}

func (o Options) withDefaults() Options {
	o.TTL = cmp.Or(max(o.TTL, 0), DefaultTTL)
	o.Interval = cmp.Or(max(o.Interval, 0), DefaultInterval)
	o.Grace = max(cmp.Or(o.Grace, o.Interval/10), 0)
	o.MaxServers = cmp.Or(max(o.MaxServers, 0), DefaultMaxServers)
	o.MaxConnections = cmp.Or(max(o.MaxConnections, 0), 2*o.MaxServers)
	o.MaxVersions = cmp.Or(max(o.MaxVersions, 0), DefaultMaxVersions)
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	o.Logger = o.Logger.With("component", "inventory")
	return o
}

// mostMissed is how many heartbeats a server can miss before it is dropped.
func (o Options) mostMissed() int { return o.missedAfter(o.TTL) }

// missedAfter is how many heartbeats are overdue that long after the last.
func (o Options) missedAfter(silence time.Duration) int {
	return int(max(silence-o.Grace, 0) / o.Interval)
}
