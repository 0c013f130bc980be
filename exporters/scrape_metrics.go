package exporters

import (
	"strconv"
	"time"

	"github.com/telltale-agent/telltale/instruments"
)

// scrapeMetrics are the live handles of what is told about scrapes. Nil records
// nothing.
type scrapeMetrics struct {
	registry  *instruments.Registry
	requests  *instruments.CounterCells[instruments.Scrape]
	inFlight  *instruments.GaugeCell
	duration  *instruments.HistogramCell
	coalesced *instruments.CounterCell
	dropped   *instruments.CounterCells[instruments.ScrapeLoss]
	altered   *instruments.CounterCells[instruments.LabelAlteration]
}

func newScrapeMetrics(registry *instruments.Registry) *scrapeMetrics {
	return &scrapeMetrics{
		registry:  registry,
		requests:  instruments.PromHTTPRequests.In(registry),
		inFlight:  instruments.PromHTTPInFlight.In(registry),
		duration:  instruments.ScrapeDuration.In(registry),
		coalesced: instruments.ScrapesCoalesced.In(registry),
		dropped:   instruments.ScrapeSeriesDropped.In(registry),
		altered:   instruments.LabelValuesAltered.In(registry),
	}
}

// begin counts a scrape as being served, until the returned function is called.
func (m *scrapeMetrics) begin() (end func()) {
	if m == nil {
		return func() {}
	}
	m.inFlight.Inc()
	return m.inFlight.Dec
}

// answered counts an answer, before it is sent: whoever has it can see it
// counted in the next scrape.
func (m *scrapeMetrics) answered(status int, took time.Duration) {
	if m == nil {
		return
	}
	m.requests.Add(1, instruments.Scrape{Code: instruments.HTTPStatus(strconv.Itoa(status))})
	m.duration.Record(took.Seconds())
}

// count adds what one collection has lost.
func (m *scrapeMetrics) count(l losses) {
	for reason, at := range l.dropped {
		m.dropped.Add(float64(at.series), instruments.ScrapeLoss{Reason: reason})
	}
	for metric, series := range l.cut {
		m.altered.Add(float64(series), instruments.LabelAlteration{Metric: metric, Reason: "too_long"})
	}
}
