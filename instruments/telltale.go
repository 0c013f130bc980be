package instruments

// Telltale's own metrics tell what happens to the telemetry itself. Their names
// begin with telltale_; counters end in _total and units stand last.

const selfComponent = "Telltale"

// Rejection is the label set of telltale_recordings_rejected_total.
type Rejection struct {
	Metric string       `label:"metric"` // a declared name
	Reason RejectReason `label:"reason"`
}

// RejectReason says why a value was not recorded: "negative", "nan" or "infinite".
type RejectReason string

// LabelAlteration is the label set of telltale_label_values_altered_total.
type LabelAlteration struct {
	Metric string `label:"metric"` // a declared name, or that of an embedder's instrument
	Reason string `label:"reason"` // invalid_utf8 or too_long
}

// OfMetric labels what happened to one metric.
type OfMetric struct {
	Metric string `label:"metric"` // a declared name
}

// CallbackFailure is the label set of telltale_callback_failures_total.
type CallbackFailure struct {
	Callback string                `label:"callback"` // name of the source, or the scope that registered it
	Reason   CallbackFailureReason `label:"reason"`
}

// CallbackFailureReason says how a callback failed.
type CallbackFailureReason string

// The ways in which callbacks fail.
const (
	CallbackPanic   CallbackFailureReason = "panic"   // recovered
	CallbackTimeout CallbackFailureReason = "timeout" // left behind
	CallbackError   CallbackFailureReason = "error"   // returned by the callback
)

// Refusal is the label set of telltale_instruments_refused_total.
type Refusal struct {
	Reason RefusalReason `label:"reason"`
}

// RefusalReason says why an instrument was not created.
type RefusalReason string

// The reasons for refusing an embedder's instrument.
const (
	RefusedDeclared RefusalReason = "declared" // the name belongs to a declared metric
	RefusedConflict RefusalReason = "conflict" // the name is in use with another kind, unit or number type
	RefusedInvalid  RefusalReason = "invalid"  // no exit could show the name
)

var (
	// RecordingsRejected is counted by the handles and sources of this package.
	RecordingsRejected = counterBy[Rejection](Spec{
		Name:      "telltale_recordings_rejected_total",
		Unit:      "{recording}",
		Help:      "Recordings that were ignored because they would have spoilt the metric.",
		When:      "A value is no number, an increment of a counter is negative, or what would be added up is infinite.",
		Recorder:  "instruments",
		Component: selfComponent,
	})

	// SeriesOverflow is counted by the handles and sources of this package.
	SeriesOverflow = counterBy[OfMetric](Spec{
		Name:      "telltale_series_overflow_total",
		Unit:      "{recording}",
		Help:      "Uses of the overflow series because the metric had as many label sets as it may have.",
		When:      "A label set above the bound is resolved or recorded.",
		Recorder:  "instruments",
		Component: selfComponent,
	})

	// LabelValuesAltered is counted by the handles and sources of this package.
	LabelValuesAltered = counterBy[LabelAlteration](Spec{
		Name:      "telltale_label_values_altered_total",
		Unit:      "{label_set}",
		Help:      "Label sets with a value that had to be changed: not UTF-8, or longer than 256 bytes.",
		When:      "A label set is resolved or recorded, or an exit finds a long one of an embedder's instrument; invalid bytes are replaced, long values cut.",
		Recorder:  "instruments",
		Component: selfComponent,
	})

	// CallbackFailures is counted where the registry calls foreign code.
	CallbackFailures = counterBy[CallbackFailure](Spec{
		Name:      "telltale_callback_failures_total",
		Unit:      "{call}",
		Help:      "Calls of metric callbacks that panicked, took too long or returned an error.",
		When:      "A collection calls a source, or a callback of an instrument from the agent's meter provider.",
		Recorder:  "instruments",
		Component: selfComponent,
	})

	// InstrumentsRefused is counted by the meter provider given to embedders.
	InstrumentsRefused = counterBy(Spec{
		Name:      "telltale_instruments_refused_total",
		Unit:      "{instrument}",
		Help:      "Instruments of the embedder that were not created because they would have cost other metrics.",
		When:      "An instrument is created on the agent's meter provider with a name that is taken or cannot be shown, or a metric is declared later with the name of such an instrument.",
		Recorder:  "instruments",
		Component: selfComponent,
	}, Refusal{RefusedDeclared}, Refusal{RefusedConflict}, Refusal{RefusedInvalid})
)

// ownMetrics are the handles of what a registry tells about itself.
type ownMetrics struct {
	rejected *CounterCells[Rejection]
	spilled  *CounterCells[OfMetric]
	altered  *CounterCells[LabelAlteration]
	failures *CounterCells[CallbackFailure]
	refused  *CounterCells[Refusal]
}

func (own *ownMetrics) open(r *Registry) {
	own.rejected = RecordingsRejected.In(r)
	own.spilled = SeriesOverflow.In(r)
	own.altered = LabelValuesAltered.In(r)
	own.failures = CallbackFailures.In(r)
	own.refused = InstrumentsRefused.In(r)
}

func (r *Registry) noteRejected(row *row, reason RejectReason) {
	r.own.rejected.Add(1, Rejection{Metric: row.Name, Reason: reason})
}

func (r *Registry) noteAltered(row *row, change alteration) {
	r.own.altered.Add(1, LabelAlteration{Metric: row.Name, Reason: string(change)})
}

// noteSpilled counts for every metric but the one it counts in, which would
// spill again.
func (r *Registry) noteSpilled(row *row, times int) {
	if own := r.own.spilled; own != nil && own.row != row {
		own.Add(float64(times), OfMetric{Metric: row.Name})
	}
}
