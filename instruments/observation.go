package instruments

import (
	"context"
	"slices"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// Observation collects what a source reports in one collection. It is valid
// until the source returns, and not safe for concurrent use.
type Observation struct {
	registry *Registry
	samples  []sample
}

type sample struct {
	row     *row
	value   float64
	set     attribute.Distinct
	options []metric.ObserveOption
}

// Observe makes fn a source: it is called at each collection of each exit, and
// reports through the Observe methods of the declarations. What one collection
// shows of a source was read in one call of fn, after the collection began. A
// series that fn does not report is absent.
//
// A source that panics is recovered. One that takes more than a second, or more
// than its share of the collection's time, is left behind; those that hang, also
// when they are many, leave about half of that time to everything else. Either
// way it is counted in telltale_callback_failures_total, told to the log when it
// begins and ends, and its last results are shown. Calls never overlap.
//
// The source counts under name. The returned function takes it away again, from
// collections that begin later: it does not wait for one that runs, which may
// still call fn. It may be called more than once, and from fn. With a nil or a
// closed registry fn is never called.
func (r *Registry) Observe(name string, fn func(ctx context.Context, o *Observation)) (stop func()) {
	return r.addSource(&source{callback: r.newCallback(name), fn: fn})
}

// ObserveDirect is [Registry.Observe] for a source that only reads memory and
// must never be seen late, such as the state of the process: the collection
// calls it itself and waits for it, however long it takes. One that panics is
// recovered, counted and told to the log all the same; what it reports is then
// absent, since old values would be a lie.
func (r *Registry) ObserveDirect(name string, fn func(ctx context.Context, o *Observation)) (stop func()) {
	return r.addSource(&source{callback: r.newCallback(name), fn: fn, direct: true})
}

func (r *Registry) addSource(s *source) (stop func()) {
	if r == nil {
		return func() {}
	}
	r.bindDeclared()
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed.Load() {
		r.sources = append(slices.Clip(r.sources), s)
	}
	return func() { r.removeSource(s) }
}

func (r *Registry) removeSource(s *source) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sources = slices.DeleteFunc(slices.Clone(r.sources), func(other *source) bool { return other == s })
}

func (r *Registry) currentSources() []*source {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sources
}

// add notes one value. Values that no exit could show are rejected like those
// of handles.
func (o *Observation) add(row *row, v float64, set attribute.Set) {
	if o == nil || o.registry == nil || row == nil {
		return
	}
	if reason := rejectSample(row.Kind, v); reason != "" {
		o.registry.noteRejected(row, reason)
		return
	}
	o.registry.bindSoon(row)
	o.samples = append(o.samples, sample{
		row: row, value: v, set: set.Equivalent(), options: []metric.ObserveOption{metric.WithAttributeSet(set)},
	})
}

func rejectSample(kind Kind, v float64) RejectReason {
	if kind == KindCounter {
		return rejectIncrement(v)
	}
	if v != v {
		return rejectedNaN
	}
	return ""
}

// observeLabelled is add for a label set, cleaned like those of handles.
func observeLabelled[L comparable](o *Observation, row *row, codec labelCodec[L], v float64, labels L) {
	if o == nil || o.registry == nil || row == nil {
		return
	}
	labels, change := codec.clean(labels)
	if change != unaltered {
		o.registry.noteAltered(row, change)
	}
	o.add(row, v, codec.set(labels))
}

// source is a function that reads values at collection time.
type source struct {
	*callback
	fn     func(context.Context, *Observation)
	direct bool // see ObserveDirect

	mu   sync.Mutex // guards last
	last []sample   // of the last call that came to its end
}

func (s *source) run(ctx context.Context) {
	call := s.call
	if s.direct {
		call = s.callDirect
	}
	worked := call(ctx, func(ctx context.Context) error {
		o := &Observation{registry: s.registry}
		s.fn(ctx, o)
		s.keep(o.samples)
		return nil
	})
	if s.direct && !worked {
		s.keep(nil)
	}
}

func (s *source) keep(samples []sample) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = samples
}

func (s *source) results() []sample {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

// samples are the results of sources, by the row's position in the catalogue.
type samples struct {
	of   map[int][]sample
	seen map[sampleKey]int // position in of
}

type sampleKey struct {
	index int
	set   attribute.Distinct
}

// runSources calls every source and returns what is known afterwards.
func (r *Registry) runSources(ctx context.Context) samples {
	for _, s := range r.currentSources() {
		s.run(ctx)
	}
	return r.lastSamples(nil)
}

// lastSamples returns the last results of every source, or those for one row.
func (r *Registry) lastSamples(only *row) samples {
	all := samples{of: make(map[int][]sample), seen: make(map[sampleKey]int)}
	for _, s := range r.currentSources() {
		for _, sample := range s.results() {
			if only == nil || sample.row == only {
				all.put(sample)
			}
		}
	}
	return all
}

// put adds a sample; the last one of a label set stands. Observed twice, the
// SDK would add up a counter.
func (all samples) put(s sample) {
	index := s.row.index
	key := sampleKey{index, s.set}
	if i, ok := all.seen[key]; ok {
		all.of[index][i] = s
		return
	}
	all.seen[key] = len(all.of[index])
	all.of[index] = append(all.of[index], s)
}

// observe reports the samples of one family, and whether there were any. Those
// above the bound go to the overflow series, as they do for handles.
func (all samples) observe(f family, o metric.Observer) bool {
	core := f.core()
	within := all.of[core.row.index]
	var above []sample
	if limit := core.registry.seriesLimit - 1; len(within) > limit {
		within, above = within[:limit], within[limit:]
	}
	for _, s := range within {
		o.ObserveFloat64(core.observable, s.value, s.options...)
	}
	if len(above) > 0 {
		core.registry.noteSpilled(core.row, len(above))
		o.ObserveFloat64(core.observable, added(above), metric.WithAttributes(overflowAttribute))
	}
	return len(within) > 0
}

// added is the value of samples that share the overflow series. Those of gauges
// add up, too: what is counted by label, such as tunnels, keeps its total.
func added(samples []sample) (total float64) {
	for _, s := range samples {
		total += s.value
	}
	return total
}
