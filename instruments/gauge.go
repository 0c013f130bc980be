package instruments

import (
	"math"
	"slices"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// Gauge is the declaration of a gauge without labels.
type Gauge struct{ row *row }

// GaugeBy is the declaration of a gauge with the labels L.
type GaugeBy[L comparable] struct {
	row   *row
	codec labelCodec[L]
}

// DeclareGauge adds a gauge of the embedder's own to the catalogue; see
// [DeclareCounter] for the errors.
func DeclareGauge(spec Spec) (Gauge, error) { return newGauge(spec) }

// DeclareGaugeBy is [DeclareGauge] with labels. The known label sets show zero
// from the first scrape on.
func DeclareGaugeBy[L comparable](spec Spec, known ...L) (GaugeBy[L], error) {
	return newGaugeBy(spec, known)
}

func gauge(spec Spec) Gauge { return Must(newGauge(spec)) }

func gaugeBy[L comparable](spec Spec, known ...L) GaugeBy[L] { return Must(newGaugeBy(spec, known)) }

func newGauge(spec Spec) (Gauge, error) {
	d := Gauge{row: newRow(KindGauge, spec)}
	d.row.bind = func(r *Registry, m metric.Meter) (family, error) { return newGaugeFamily(d.row, r, m) }
	if err := theCatalogue.add(d.row, declaredBy); err != nil {
		return Gauge{}, err
	}
	return d, nil
}

func newGaugeBy[L comparable](spec Spec, known []L) (GaugeBy[L], error) {
	known = slices.Clone(known)
	r, codec := newLabelledRow(KindGauge, spec, known)
	d := GaugeBy[L]{row: r, codec: codec}
	d.row.bind = func(r *Registry, m metric.Meter) (family, error) {
		return newGaugeCells(d, known, r, m)
	}
	if err := theCatalogue.add(d.row, declaredBy); err != nil {
		return GaugeBy[L]{}, err
	}
	return d, nil
}

// Declaration returns the row of the catalogue.
func (d Gauge) Declaration() Declaration { return d.row.declaration() }

// Declaration returns the row of the catalogue.
func (d GaugeBy[L]) Declaration() Declaration { return d.row.declaration() }

// In returns the live gauge of reg. With a nil registry it is nil, and records
// nothing.
func (d Gauge) In(reg *Registry) *GaugeCell {
	if f, ok := reg.family(d.row).(*gaugeFamily); ok {
		return f.open()
	}
	return nil
}

// In returns the live gauges of reg, one for each label set. With a nil
// registry it is nil, and records nothing.
func (d GaugeBy[L]) In(reg *Registry) *GaugeCells[L] {
	cells, _ := reg.family(d.row).(*GaugeCells[L])
	return cells
}

// Observe reports the gauge's value from within a source; see [Registry.Observe].
func (d Gauge) Observe(o *Observation, v float64) { o.add(d.row, v, *attribute.EmptySet()) }

// Observe reports the value of one label set from within a source; see
// [Registry.Observe]. A label set that is not reported again is gone.
func (d GaugeBy[L]) Observe(o *Observation, v float64, labels L) {
	observeLabelled(o, d.row, d.codec, v, labels)
}

// GaugeCell is the live gauge of one label set. All methods are safe for
// concurrent use and allocate nothing. A nil cell records nothing. What is no
// number is ignored and counted in telltale_recordings_rejected_total; so is
// an addend that is infinite.
type GaugeCell struct {
	bits      atomic.Uint64 // of a float64
	forgotten atomic.Bool
	revive    func() *GaugeCell // the cell in place of this one once it was forgotten; nil without labels

	owner   *familyCore
	options []metric.ObserveOption

	_ [8]byte // fills a cache line: neighbours must not slow each other down
}

// newGaugeCell is not inlined: every label struct would bring a copy of its own.
//
//go:noinline
func newGaugeCell(owner *familyCore, set attribute.Set) *GaugeCell {
	return &GaugeCell{owner: owner, options: []metric.ObserveOption{metric.WithAttributeSet(set)}}
}

// live returns the cell that collections read. A handle kept across Forget
// starts the series anew.
func (c *GaugeCell) live() *GaugeCell {
	if c.forgotten.Load() {
		return c.revive()
	}
	return c
}

// Set makes v the value.
func (c *GaugeCell) Set(v float64) {
	if c == nil {
		return
	}
	if math.IsNaN(v) {
		c.owner.reject(rejectedNaN)
		return
	}
	c.live().bits.Store(math.Float64bits(v))
}

// Add adds v, which may be negative.
func (c *GaugeCell) Add(v float64) {
	if c == nil {
		return
	}
	if reason := rejectAddend(v); reason != "" {
		c.owner.reject(reason)
		return
	}
	addFloat(&c.live().bits, v)
}

// Inc adds one.
func (c *GaugeCell) Inc() { c.Add(1) }

// Dec takes one away.
func (c *GaugeCell) Dec() { c.Add(-1) }

func (c *GaugeCell) value() float64 { return math.Float64frombits(c.bits.Load()) }

// gaugeFamily is a gauge without labels in one registry.
type gaugeFamily struct {
	familyCore
	only atomic.Pointer[GaugeCell]
}

func newGaugeFamily(row *row, r *Registry, m metric.Meter) (*gaugeFamily, error) {
	f := &gaugeFamily{familyCore: familyCore{row: row, registry: r}}
	if !row.Sampled {
		f.open()
	}
	return f, f.observeGauge(m)
}

// open returns the cell, which a sampled metric gets only when it is asked for.
func (f *gaugeFamily) open() *GaugeCell {
	if c := f.only.Load(); c != nil {
		return c
	}
	f.only.CompareAndSwap(nil, newGaugeCell(&f.familyCore, *attribute.EmptySet()))
	return f.only.Load()
}

func (f *gaugeFamily) observe(o metric.Observer) {
	if c := f.only.Load(); c != nil {
		o.ObserveFloat64(f.observable, c.value(), c.options...)
	}
}

// GaugeCells are the live gauges of one labelled metric. All methods are safe
// for concurrent use. Nil cells record nothing.
type GaugeCells[L comparable] struct {
	familyCore
	series *series[L, GaugeCell]
}

func newGaugeCells[L comparable](d GaugeBy[L], known []L, r *Registry, m metric.Meter) (*GaugeCells[L], error) {
	f := &GaugeCells[L]{familyCore: familyCore{row: d.row, registry: r}}
	f.series = newSeries(d.codec, r.seriesLimit, func(l L, set attribute.Set) *GaugeCell {
		c := newGaugeCell(&f.familyCore, set)
		c.revive = func() *GaugeCell { return f.At(l) }
		return c
	})
	f.series.altered, f.series.spilled = f.noteAltered, f.noteSpilled
	for _, l := range known {
		f.series.at(l)
	}
	return f, f.observeGauge(m)
}

// At returns the cell of one label set, made on first use; see [CounterCells.At].
func (f *GaugeCells[L]) At(labels L) *GaugeCell {
	if f == nil {
		return nil
	}
	return f.series.at(labels)
}

// Set makes v the value of one label set; it is At(labels).Set(v).
func (f *GaugeCells[L]) Set(v float64, labels L) {
	if f != nil {
		f.series.at(labels).Set(v)
	}
}

// Forget takes a label set away: collections no longer show it, and its place
// under the bound is free. Setting it again, also by a cell that was got
// before, starts it anew at zero.
func (f *GaugeCells[L]) Forget(labels L) {
	if f != nil {
		f.series.forget(labels, func(c *GaugeCell) { c.forgotten.Store(true) })
	}
}

func (f *GaugeCells[L]) observe(o metric.Observer) {
	f.series.each(func(c *GaugeCell) { o.ObserveFloat64(f.observable, c.value(), c.options...) })
}
