package instruments

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
)

// Scope is the name of the instrumentation scope of every metric that a
// registry creates.
const Scope = "github.com/telltale-agent/telltale/instruments"

// DefaultSeriesLimit is the number of series that one metric may have, the
// overflow series included. It is the limit of the OpenTelemetry SDK, too.
const DefaultSeriesLimit = 2000

// Registry holds the live side of every declaration for one agent. Handles are
// got from the declarations: UserLogins.In(registry). All methods are safe for
// concurrent use; on a nil registry handles are nil and record nothing.
type Registry struct {
	seriesLimit int
	logger      *slog.Logger
	provider    metric.MeterProvider
	meter       metric.Meter
	own         ownMetrics

	// families is indexed by the position in the catalogue. The slice is
	// replaced, never written. What stands at and after late was declared after
	// New and has callbacks of its own.
	families atomic.Pointer[[]family]
	late     int

	scrapes atomic.Pointer[budget] // of the collection of a scrape; nil between them
	closed  atomic.Bool            // set under mu

	// binding serialises what is declared after New. Whoever holds it may wait
	// for a running collection; a collection never waits for it.
	binding sync.Mutex
	refused map[*row]bool // what binding has failed for; guarded by it
	started sync.Map      // *row: bindSoon has seen to it

	mu            sync.Mutex // guards the fields below; never held while waiting for the SDK
	registrations []metric.Registration
	sources       []*source
	summaries     []*summarySource
	foreign       foreignNames
}

// Option changes what New makes.
type Option func(*Registry)

// WithSeriesLimit sets how many series one metric may have, the overflow
// series included. Without it, or below 2, the limit is [DefaultSeriesLimit].
func WithSeriesLimit(n int) Option {
	return func(r *Registry) {
		if n >= 2 {
			r.seriesLimit = n
		}
	}
}

// WithLogger sets where the registry tells about callbacks that fail. Without
// it, or with nil, that is slog.Default().
func WithLogger(logger *slog.Logger) Option {
	return func(r *Registry) {
		if logger != nil {
			r.logger = logger
		}
	}
}

// New creates every instrument of the catalogue in provider, and returns all
// the errors of that. The provider must apply no limit on series below that of
// the registry, and must not be shared with another registry.
func New(provider metric.MeterProvider, options ...Option) (*Registry, error) {
	r := &Registry{
		seriesLimit: DefaultSeriesLimit,
		logger:      slog.Default(),
		refused:     make(map[*row]bool),
		provider:    provider,
		meter:       provider.Meter(Scope),
	}
	for _, option := range options {
		option(r)
	}
	if err := r.bindAll(); err != nil {
		return nil, err
	}
	r.own.open(r)
	return r, nil
}

func (r *Registry) bindAll() error {
	rows := theCatalogue.snapshot()
	families := make([]family, len(rows))
	var observables []metric.Observable
	var errs []error
	for i, row := range rows {
		f, err := r.bind(row)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if families[i] = f; f != nil && f.core().observable != nil {
			observables = append(observables, f.core().observable)
		}
	}
	if err := inOneLine(errs...); err != nil {
		return err
	}
	r.families.Store(&families)
	r.late = len(families)
	registration, err := r.meter.RegisterCallback(r.collect, observables...)
	if err != nil {
		return fmt.Errorf("register the collection of metrics: %w", err)
	}
	r.registrations = append(r.registrations, registration)
	return nil
}

func (r *Registry) bind(row *row) (family, error) {
	if row.bind == nil {
		return nil, nil
	}
	f, err := row.bind(r, r.meter)
	if err != nil {
		return nil, fmt.Errorf("create %s %q: %w", row.Kind, row.Name, err)
	}
	return f, nil
}

// family returns the live side of a row, or nil.
func (r *Registry) family(row *row) family {
	if r == nil || row == nil || row.bind == nil {
		return nil
	}
	if f := r.bound(row); f != nil {
		return f
	}
	return r.bindLate(row)
}

func (r *Registry) bound(row *row) family {
	if families := *r.families.Load(); row.index < len(families) {
		return families[row.index]
	}
	return nil
}

// bindDeclared brings to life what was declared up to now.
func (r *Registry) bindDeclared() {
	for _, row := range theCatalogue.snapshot() {
		r.family(row)
	}
}

// bindSoon brings a row to life from within a collection, which the SDK makes
// wait until the collection has come to its end.
func (r *Registry) bindSoon(row *row) {
	if r.bound(row) != nil {
		return
	}
	if _, started := r.started.LoadOrStore(row, true); !started {
		go r.bindLate(row)
	}
}

// bindLate brings a row to life that was declared after New.
func (r *Registry) bindLate(row *row) family {
	r.binding.Lock()
	defer r.binding.Unlock()
	if f := r.bound(row); f != nil {
		return f // somebody was faster
	}
	if r.closed.Load() || r.refused[row] {
		return nil
	}
	f, registration, err := r.createLate(row)
	if err != nil {
		r.refuse(row, err)
		return nil
	}
	if !r.keep(registration) {
		registration.Unregister()
		return nil
	}
	families := slices.Clone(*r.families.Load())
	families = append(families, make([]family, max(0, row.index+1-len(families)))...)
	families[row.index] = f
	r.families.Store(&families)
	return f
}

// refuse counts and tells once that a row cannot be recorded: the name is gone
// for good.
func (r *Registry) refuse(row *row, err error) {
	r.refused[row] = true
	r.own.refused.Add(1, Refusal{Reason: RefusedConflict})
	r.logger.Error("metric cannot be recorded", "metric", row.Name, "err", err)
}

func (r *Registry) createLate(row *row) (family, metric.Registration, error) {
	if err := r.clashWithForeign(row); err != nil {
		return nil, nil, err
	}
	f, err := r.bind(row)
	if err != nil {
		return nil, nil, err
	}
	if f.core().observable == nil {
		return f, noop.Registration{}, nil
	}
	registration, err := r.meter.RegisterCallback(r.collectLate(f), f.core().observable)
	return f, registration, err
}

// keep notes a registration to be taken back by Close, unless that was called.
func (r *Registry) keep(registration metric.Registration) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed.Load() {
		return false
	}
	r.registrations = append(r.registrations, registration)
	return true
}

// collect is the one callback that reads every cell. It never returns an
// error: the SDK would drop the whole export for it.
func (r *Registry) collect(ctx context.Context, o metric.Observer) error {
	families := (*r.families.Load())[:r.late]
	sampled := r.runSources(ctx)
	// From the last declaration to the first: what counts a part is declared, and
	// counted, after what counts the whole, and must be read before it. In no
	// collection are there more failures than attempts.
	for _, f := range slices.Backward(families) {
		if f != nil && !sampled.observe(f, o) {
			f.observe(o)
		}
	}
	return nil
}

// collectLate is collect for one metric that was declared after New. It comes
// after collect in every collection, so that the sources have run.
func (r *Registry) collectLate(f family) metric.Callback {
	return func(_ context.Context, o metric.Observer) error {
		if !r.lastSamples(f.core().row).observe(f, o) {
			f.observe(o)
		}
		return nil
	}
}

// ZeroHistogram names histogram series that must be shown, with every bucket
// at zero, for as long as nothing was recorded. The SDK leaves them out.
type ZeroHistogram struct {
	Name    string
	Unit    string
	Help    string
	Buckets []float64
	Sets    []attribute.Set
}

// ZeroHistograms lists what the exporters fill in where the SDK left it out.
// The caller must not change what it gets.
func (r *Registry) ZeroHistograms() []ZeroHistogram {
	var zeros []ZeroHistogram
	for _, f := range *r.families.Load() {
		shown, ok := f.(zeroShown)
		if !ok || len(shown.zeroSets()) == 0 {
			continue
		}
		row := f.core().row
		zeros = append(zeros, ZeroHistogram{
			Name: row.Name, Unit: row.Unit, Help: row.Help, Buckets: row.Buckets, Sets: shown.zeroSets(),
		})
	}
	return zeros
}

// Close takes the registry's callbacks out of the provider. Handles stay valid
// and record nothing that anybody sees. The error is the provider's, in one
// line; the registry is closed nevertheless. Calling it again does nothing.
func (r *Registry) Close() error {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	registrations := r.registrations
	r.registrations, r.sources, r.summaries = nil, nil, nil
	r.closed.Store(true)
	r.mu.Unlock()

	var errs []error
	for _, registration := range registrations {
		errs = append(errs, registration.Unregister())
	}
	return inOneLine(errs...)
}
