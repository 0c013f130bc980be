package instruments

import (
	"math"
	"slices"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// Counter is the declaration of a counter without labels.
type Counter struct{ row *row }

// CounterBy is the declaration of a counter with the labels L.
type CounterBy[L comparable] struct {
	row   *row
	codec labelCodec[L]
}

// DeclareCounter adds a counter of the embedder's own to the catalogue. The
// error says which rule the declaration breaks, or which other one it clashes
// with, and where both stand.
func DeclareCounter(spec Spec) (Counter, error) { return newCounter(spec) }

// DeclareCounterBy is [DeclareCounter] with labels. The known label sets show
// zero from the first scrape on.
func DeclareCounterBy[L comparable](spec Spec, known ...L) (CounterBy[L], error) {
	return newCounterBy(spec, known)
}

// counter and its like declare the rows of this package's own tables, where a
// fault is a fault of the table: the tests of this package find it.
func counter(spec Spec) Counter { return Must(newCounter(spec)) }

func counterBy[L comparable](spec Spec, known ...L) CounterBy[L] {
	return Must(newCounterBy(spec, known))
}

func newCounter(spec Spec) (Counter, error) {
	d := Counter{row: newRow(KindCounter, spec)}
	d.row.bind = func(r *Registry, m metric.Meter) (family, error) { return newCounterFamily(d.row, r, m) }
	if err := theCatalogue.add(d.row, declaredBy); err != nil {
		return Counter{}, err
	}
	return d, nil
}

func newCounterBy[L comparable](spec Spec, known []L) (CounterBy[L], error) {
	known = slices.Clone(known)
	r, codec := newLabelledRow(KindCounter, spec, known)
	d := CounterBy[L]{row: r, codec: codec}
	d.row.bind = func(r *Registry, m metric.Meter) (family, error) {
		return newCounterCells(d, known, r, m)
	}
	if err := theCatalogue.add(d.row, declaredBy); err != nil {
		return CounterBy[L]{}, err
	}
	return d, nil
}

// Declaration returns the row of the catalogue.
func (d Counter) Declaration() Declaration { return d.row.declaration() }

// Declaration returns the row of the catalogue.
func (d CounterBy[L]) Declaration() Declaration { return d.row.declaration() }

// In returns the live counter of reg. Resolve it once, where the component is
// made. With a nil registry it is nil, and records nothing.
func (d Counter) In(reg *Registry) *CounterCell {
	if f, ok := reg.family(d.row).(*counterFamily); ok {
		return f.open()
	}
	return nil
}

// In returns the live counters of reg, one for each label set. With a nil
// registry it is nil, and records nothing.
func (d CounterBy[L]) In(reg *Registry) *CounterCells[L] {
	cells, _ := reg.family(d.row).(*CounterCells[L])
	return cells
}

// Observe reports the counter's total from within a source; see
// [Registry.Observe]. A total that is negative or no number is ignored and counted.
func (d Counter) Observe(o *Observation, total float64) { o.add(d.row, total, *attribute.EmptySet()) }

// Observe reports the total of one label set from within a source; see
// [Registry.Observe].
func (d CounterBy[L]) Observe(o *Observation, total float64, labels L) {
	observeLabelled(o, d.row, d.codec, total, labels)
}

// exactInteger bounds the increments that take the integer path. 2^32 of them
// would be needed before the integer part could wrap.
const exactInteger = 1 << 32

// CounterCell is the live counter of one label set. All methods are safe for
// concurrent use, take no lock and allocate nothing. A nil cell records nothing.
type CounterCell struct {
	// The value is the sum of both parts. Whole increments, nearly all there
	// are, cost one atomic add; the others a compare-and-swap.
	whole    atomic.Uint64
	fraction atomic.Uint64 // bits of a float64

	owner   *familyCore
	options []metric.ObserveOption

	_ [16]byte // fills a cache line: neighbours must not slow each other down
}

// newCounterCell is not inlined: every label struct would bring a copy of its own.
//
//go:noinline
func newCounterCell(owner *familyCore, set attribute.Set) *CounterCell {
	return &CounterCell{owner: owner, options: []metric.ObserveOption{metric.WithAttributeSet(set)}}
}

// Inc adds one.
func (c *CounterCell) Inc() {
	if c != nil {
		c.whole.Add(1)
	}
}

// Add adds v. What is negative, infinite or no number is ignored and counted
// in telltale_recordings_rejected_total.
func (c *CounterCell) Add(v float64) {
	if c == nil {
		return
	}
	if n := int64(v); float64(n) == v && uint64(n) < exactInteger {
		c.whole.Add(uint64(n))
		return
	}
	c.addFloat(v)
}

func (c *CounterCell) addFloat(v float64) {
	reason := rejectIncrement(v)
	if reason == "" && math.IsInf(c.value()+v, 1) {
		reason = rejectedInfinite
	}
	if reason != "" {
		c.owner.reject(reason)
		return
	}
	addFloat(&c.fraction, v)
}

func (c *CounterCell) value() float64 {
	return float64(c.whole.Load()) + math.Float64frombits(c.fraction.Load())
}

func addFloat(bits *atomic.Uint64, v float64) {
	for {
		old := bits.Load()
		if bits.CompareAndSwap(old, math.Float64bits(math.Float64frombits(old)+v)) {
			return
		}
	}
}

// counterFamily is a counter without labels in one registry.
type counterFamily struct {
	familyCore
	only atomic.Pointer[CounterCell]
}

func newCounterFamily(row *row, r *Registry, m metric.Meter) (*counterFamily, error) {
	f := &counterFamily{familyCore: familyCore{row: row, registry: r}}
	if !row.Sampled {
		f.open()
	}
	return f, f.observeCounter(m)
}

// open returns the cell, which a sampled metric gets only when it is asked for.
func (f *counterFamily) open() *CounterCell {
	if c := f.only.Load(); c != nil {
		return c
	}
	f.only.CompareAndSwap(nil, newCounterCell(&f.familyCore, *attribute.EmptySet()))
	return f.only.Load()
}

func (f *counterFamily) observe(o metric.Observer) {
	if c := f.only.Load(); c != nil {
		o.ObserveFloat64(f.observable, c.value(), c.options...)
	}
}

// CounterCells are the live counters of one labelled metric. All methods are
// safe for concurrent use. Nil cells record nothing.
type CounterCells[L comparable] struct {
	familyCore
	series *series[L, CounterCell]
}

func newCounterCells[L comparable](d CounterBy[L], known []L, r *Registry, m metric.Meter) (*CounterCells[L], error) {
	f := &CounterCells[L]{familyCore: familyCore{row: d.row, registry: r}}
	f.series = newSeries(d.codec, r.seriesLimit, func(_ L, set attribute.Set) *CounterCell {
		return newCounterCell(&f.familyCore, set)
	})
	f.series.altered, f.series.spilled = f.noteAltered, f.noteSpilled
	for _, l := range known {
		f.series.at(l)
	}
	return f, f.observeCounter(m)
}

// At returns the cell of one label set, made on first use. Values that are not
// UTF-8 are repaired, values above 256 bytes cut, and label sets above the
// registry's bound share the overflow cell; each is counted.
func (f *CounterCells[L]) At(labels L) *CounterCell {
	if f == nil {
		return nil
	}
	return f.series.at(labels)
}

// Add adds v to one label set; it is At(labels).Add(v).
func (f *CounterCells[L]) Add(v float64, labels L) {
	if f != nil {
		f.series.at(labels).Add(v)
	}
}

func (f *CounterCells[L]) observe(o metric.Observer) {
	f.series.each(func(c *CounterCell) { o.ObserveFloat64(f.observable, c.value(), c.options...) })
}
