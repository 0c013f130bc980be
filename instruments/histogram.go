package instruments

import (
	"context"
	"slices"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// Histogram is the declaration of a histogram without labels.
type Histogram struct{ row *row }

// HistogramBy is the declaration of a histogram with the labels L.
type HistogramBy[L comparable] struct{ row *row }

// DeclareHistogram adds a histogram of the embedder's own to the catalogue;
// see [DeclareCounter] for the errors.
func DeclareHistogram(spec Spec) (Histogram, error) { return newHistogram(spec) }

// DeclareHistogramBy is [DeclareHistogram] with labels. The known label sets
// show all their buckets at zero from the first scrape on.
func DeclareHistogramBy[L comparable](spec Spec, known ...L) (HistogramBy[L], error) {
	return newHistogramBy(spec, known)
}

func histogram(spec Spec) Histogram { return Must(newHistogram(spec)) }

func histogramBy[L comparable](spec Spec, known ...L) HistogramBy[L] {
	return Must(newHistogramBy(spec, known))
}

func newHistogram(spec Spec) (Histogram, error) {
	d := Histogram{row: newRow(KindHistogram, spec)}
	d.row.bind = func(r *Registry, m metric.Meter) (family, error) { return newHistogramFamily(d.row, r, m) }
	if err := theCatalogue.add(d.row, declaredBy); err != nil {
		return Histogram{}, err
	}
	return d, nil
}

func newHistogramBy[L comparable](spec Spec, known []L) (HistogramBy[L], error) {
	known = slices.Clone(known)
	r, codec := newLabelledRow(KindHistogram, spec, known)
	d := HistogramBy[L]{row: r}
	d.row.bind = func(r *Registry, m metric.Meter) (family, error) {
		return newHistogramCells(d.row, codec, known, r, m)
	}
	if err := theCatalogue.add(d.row, declaredBy); err != nil {
		return HistogramBy[L]{}, err
	}
	return d, nil
}

// Declaration returns the row of the catalogue.
func (d Histogram) Declaration() Declaration { return d.row.declaration() }

// Declaration returns the row of the catalogue.
func (d HistogramBy[L]) Declaration() Declaration { return d.row.declaration() }

// In returns the live histogram of reg. With a nil registry it is nil, and
// records nothing.
func (d Histogram) In(reg *Registry) *HistogramCell {
	if f, ok := reg.family(d.row).(*histogramFamily); ok {
		return f.only
	}
	return nil
}

// In returns the live histograms of reg, one for each label set. With a nil
// registry it is nil, and records nothing.
func (d HistogramBy[L]) In(reg *Registry) *HistogramCells[L] {
	cells, _ := reg.family(d.row).(*HistogramCells[L])
	return cells
}

// HistogramCell is the live histogram of one label set. Its values live in the
// SDK. All methods are safe for concurrent use. A nil cell records nothing.
type HistogramCell struct {
	instrument metric.Float64Histogram
	options    []metric.RecordOption // prebuilt: building them costs more than recording
	owner      *familyCore
}

// Record adds one value. What is infinite or no number would spoil the sum for
// ever; it is ignored and counted in telltale_recordings_rejected_total.
func (c *HistogramCell) Record(v float64) { c.RecordContext(context.Background(), v) }

// RecordContext is Record with the context of the work that was measured, which
// an exemplar can point to where exemplars are switched on.
func (c *HistogramCell) RecordContext(ctx context.Context, v float64) {
	if c == nil {
		return
	}
	if v-v != 0 { // NaN and the infinities, and nothing else
		c.owner.reject(rejectAddend(v))
		return
	}
	if c.owner.registry.closed.Load() {
		return
	}
	c.instrument.Record(ctx, v, c.options...)
}

// histogramCore is what histograms with and without labels share.
type histogramCore struct {
	familyCore
	instrument metric.Float64Histogram
}

func (f *histogramCore) open(row *row, r *Registry, m metric.Meter) (err error) {
	f.familyCore = familyCore{row: row, registry: r}
	f.instrument, err = m.Float64Histogram(row.Name, metric.WithUnit(row.Unit),
		metric.WithDescription(row.Help), metric.WithExplicitBucketBoundaries(row.Buckets...))
	return err
}

func (f *histogramCore) cell(set attribute.Set) *HistogramCell {
	c := &HistogramCell{instrument: f.instrument, owner: &f.familyCore}
	if set.Len() > 0 {
		c.options = []metric.RecordOption{metric.WithAttributeSet(set)}
	}
	return c
}

// observe has nothing to do: the SDK holds the values.
func (f *histogramCore) observe(metric.Observer) {}

type histogramFamily struct {
	histogramCore
	only *HistogramCell
}

func newHistogramFamily(row *row, r *Registry, m metric.Meter) (*histogramFamily, error) {
	f := &histogramFamily{}
	err := f.open(row, r, m)
	f.only = f.cell(*attribute.EmptySet())
	return f, err
}

func (f *histogramFamily) zeroSets() []attribute.Set {
	if f.row.Sampled {
		return nil
	}
	return []attribute.Set{*attribute.EmptySet()}
}

// HistogramCells are the live histograms of one labelled metric. All methods
// are safe for concurrent use. Nil cells record nothing. Once the overflow
// series was recorded, the SDK adds to it every label set that was not recorded
// before, also those within the bound.
type HistogramCells[L comparable] struct {
	histogramCore
	series *series[L, HistogramCell]
	known  []attribute.Set
}

func newHistogramCells[L comparable](row *row, codec labelCodec[L], known []L, r *Registry, m metric.Meter) (*HistogramCells[L], error) {
	f := &HistogramCells[L]{}
	err := f.open(row, r, m)
	f.series = newSeries(codec, r.seriesLimit, func(_ L, set attribute.Set) *HistogramCell { return f.cell(set) })
	f.series.altered, f.series.spilled = f.noteAltered, f.noteSpilled
	for _, l := range known {
		f.series.at(l)
		f.known = append(f.known, codec.set(l))
	}
	return f, err
}

// At returns the cell of one label set, made on first use; see [CounterCells.At].
func (f *HistogramCells[L]) At(labels L) *HistogramCell {
	if f == nil {
		return nil
	}
	return f.series.at(labels)
}

// Record adds one value to one label set; it is At(labels).Record(v).
func (f *HistogramCells[L]) Record(v float64, labels L) {
	if f != nil {
		f.series.at(labels).Record(v)
	}
}

func (f *HistogramCells[L]) zeroSets() []attribute.Set { return f.known }
