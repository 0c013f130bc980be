package exporters

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/telltale-agent/telltale/instruments"
)

// collector makes one collection fit to be shown. Only one collection runs at
// a time.
type collector struct {
	registry  *prometheus.Registry
	attached  atomic.Pointer[scrapeMetrics] // nil before Attach; nothing is collected before
	summaries *summaryCollector
	zeros     zeroFiller
	trouble   *spells // reasons for leaving series out
	failure   *spells // whole collections
}

// alwaysThere is the name of a metric that no collection can be without: the
// scrape counts itself in it.
var alwaysThere = instruments.PromHTTPInFlight.Declaration().Name

// collect gathers, leaves out what would make the scrape invalid, and fills in
// the histograms that the SDK leaves out. It fails only when there is nothing
// to show.
func (c *collector) collect(deadline time.Time) (families []*dto.MetricFamily, err error) {
	defer func() {
		if value := recover(); value != nil {
			families, err = nil, c.fail(fmt.Errorf("panic: %v", value))
		}
	}()
	metrics := c.attached.Load()
	gathered, err := c.gather(metrics.registry, deadline)
	var lost losses
	lost.addErrors(err)

	// Nothing is added to what was gathered before it is known to be there: a
	// scrape that shows zeros in place of the values would be worse than none.
	if !contains(gathered, alwaysThere) {
		if err == nil {
			return nil, errEmpty
		}
		return nil, c.fail(err)
	}
	families = sanitize(gathered, &lost)
	families = c.zeros.fill(families, metrics.registry.ZeroHistograms(), &lost)
	metrics.count(lost)
	c.trouble.note(lost.examples())
	c.failure.note(nil)
	return families, nil
}

func (c *collector) gather(registry *instruments.Registry, deadline time.Time) ([]*dto.MetricFamily, error) {
	registry.BoundCollection(deadline)
	defer registry.BoundCollection(time.Time{})
	c.summaries.registry, c.summaries.deadline = registry, deadline
	return c.registry.Gather()
}

// fail tells the log what happened, and nobody else.
func (c *collector) fail(err error) error {
	c.failure.note(map[string]string{"": excerpt(err.Error())})
	return errCollect
}

// sanitize takes out of the families what must not be shown, see inspect.
func sanitize(families []*dto.MetricFamily, lost *losses) []*dto.MetricFamily {
	kept := families[:0]
	for _, family := range families {
		if inspect(family, lost); len(family.Metric) > 0 {
			kept = append(kept, family)
		}
	}
	return kept
}

func contains(families []*dto.MetricFamily, name string) bool {
	_, ok := find(families, name)
	return ok
}

// errorsOf takes apart what a prometheus.Registry returns.
func errorsOf(err error) []error {
	var many prometheus.MultiError
	if errors.As(err, &many) {
		return many
	}
	if err != nil {
		return []error{err}
	}
	return nil
}
