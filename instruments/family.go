package instruments

import (
	"math"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// family is one metric in one registry, with all its series.
type family interface {
	core() *familyCore

	// observe reports the present value of every cell.
	observe(metric.Observer)
}

// zeroShown is a family whose series the SDK shows only once they were recorded.
type zeroShown interface {
	zeroSets() []attribute.Set
}

// familyCore is what families of every kind share.
type familyCore struct {
	row        *row
	registry   *Registry
	observable metric.Float64Observable // nil for histograms
}

func (f *familyCore) core() *familyCore { return f }

func (f *familyCore) observeCounter(m metric.Meter) error {
	instrument, err := m.Float64ObservableCounter(f.row.Name,
		metric.WithUnit(f.row.Unit), metric.WithDescription(f.row.Help))
	f.observable = instrument
	return err
}

func (f *familyCore) observeGauge(m metric.Meter) error {
	instrument, err := m.Float64ObservableGauge(f.row.Name,
		metric.WithUnit(f.row.Unit), metric.WithDescription(f.row.Help))
	f.observable = instrument
	return err
}

// The reasons of telltale_recordings_rejected_total.
const (
	rejectedNegative RejectReason = "negative"
	rejectedNaN      RejectReason = "nan"
	rejectedInfinite RejectReason = "infinite"
)

// rejectIncrement says why a counter must not be moved by v, or "".
func rejectIncrement(v float64) RejectReason {
	if v < 0 && !math.IsInf(v, -1) {
		return rejectedNegative
	}
	return rejectAddend(v)
}

// rejectAddend says why nothing must be added up with v, or "".
func rejectAddend(v float64) RejectReason {
	switch {
	case math.IsNaN(v):
		return rejectedNaN
	case math.IsInf(v, 0):
		return rejectedInfinite
	}
	return ""
}

func (f *familyCore) reject(reason RejectReason)    { f.registry.noteRejected(f.row, reason) }
func (f *familyCore) noteAltered(change alteration) { f.registry.noteAltered(f.row, change) }
func (f *familyCore) noteSpilled()                  { f.registry.noteSpilled(f.row, 1) }
