package instruments

import (
	"context"
	"slices"
	"sync"
)

// Summary is the declaration of a summary without labels. OpenTelemetry has no
// such instrument: a summary's quantiles are computed where it is read, and the
// exporters take them from [Registry.Summaries].
type Summary struct{ row *row }

func summary(spec Spec) Summary {
	d := Summary{row: newRow(KindSummary, spec)}
	return Must(d, theCatalogue.add(d.row, 1))
}

// Declaration returns the row of the catalogue.
func (d Summary) Declaration() Declaration { return d.row.declaration() }

// Quantile is one quantile of a summary: a share between 0 and 1 of all values
// does not exceed Value.
type Quantile struct {
	Quantile float64
	Value    float64
}

// SummaryPoint is what a summary shows at one moment.
type SummaryPoint struct {
	Count     uint64
	Sum       float64
	Quantiles []Quantile // ascending
}

// SummaryValue is a summary with its declaration.
type SummaryValue struct {
	Declaration
	SummaryPoint
}

type summarySource struct {
	*callback
	row *row
	fn  func() SummaryPoint

	mu    sync.Mutex // guards the fields below
	known bool
	last  SummaryPoint
}

// Observe makes fn the source of the summary in reg. It is called at each
// collection under the rules of [Registry.Observe]. The returned function takes
// it away again.
func (d Summary) Observe(reg *Registry, fn func() SummaryPoint) (stop func()) {
	if reg == nil || d.row == nil {
		return func() {}
	}
	s := &summarySource{callback: reg.newCallback(d.row.Name), row: d.row, fn: fn}
	reg.mu.Lock()
	defer reg.mu.Unlock()
	if !reg.closed.Load() {
		reg.summaries = append(slices.Clip(reg.summaries), s)
	}
	return func() { reg.removeSummary(s) }
}

func (r *Registry) removeSummary(s *summarySource) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.summaries = slices.DeleteFunc(slices.Clone(r.summaries), func(other *summarySource) bool { return other == s })
}

// Summaries reads every summary that has a source. Of several sources of one
// summary the last one stands. The context's deadline bounds it.
func (r *Registry) Summaries(ctx context.Context) []SummaryValue {
	r.mu.Lock()
	sources := r.summaries
	r.mu.Unlock()

	var values []SummaryValue
	for _, s := range sources {
		point, ok := s.read(ctx)
		if !ok {
			continue
		}
		values = slices.DeleteFunc(values, func(v SummaryValue) bool { return v.Name == s.row.Name })
		values = append(values, SummaryValue{Declaration: s.row.declaration(), SummaryPoint: point})
	}
	return values
}

func (s *summarySource) read(ctx context.Context) (SummaryPoint, bool) {
	s.call(ctx, func(context.Context) error {
		point := s.fn()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.last, s.known = point, true
		return nil
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last, s.known
}
