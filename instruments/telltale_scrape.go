package instruments

// ScrapeLoss is the label set of telltale_scrape_series_dropped_total.
type ScrapeLoss struct {
	Reason ScrapeLossReason `label:"reason"`
}

// ScrapeLossReason says why a scrape leaves a series out.
type ScrapeLossReason string

// The reasons for leaving a series out of a scrape.
const (
	LossReservedLabel ScrapeLossReason = "reserved_label"  // le on a histogram, quantile on a summary
	LossInvalidLabel  ScrapeLossReason = "invalid_label"   // a label name that is empty or belongs to Prometheus
	LossInvalidUTF8   ScrapeLossReason = "invalid_utf8"    // a label value that is no text
	LossInvalidBucket ScrapeLossReason = "invalid_buckets" // bucket bounds that do not ascend
	LossDuplicate     ScrapeLossReason = "duplicate"       // the name and the labels of another series
	LossConflict      ScrapeLossReason = "conflict"        // a name that another metric has with another type
	LossOther         ScrapeLossReason = "other"           // anything else, such as a panic in a collector
)

var (
	// ScrapeSeriesDropped is counted by the Prometheus exporter, again at each
	// collection that leaves the series out.
	ScrapeSeriesDropped = counterBy(Spec{
		Name:      "telltale_scrape_series_dropped_total",
		Unit:      "{series}",
		Help:      "Series left out of scrapes because they would have made the whole scrape invalid.",
		When:      "A collection for /metrics finds a series that cannot be shown; each collection counts it again.",
		Recorder:  "exporters",
		Component: selfComponent,
	}, ScrapeLoss{LossReservedLabel}, ScrapeLoss{LossInvalidLabel}, ScrapeLoss{LossInvalidUTF8},
		ScrapeLoss{LossInvalidBucket}, ScrapeLoss{LossDuplicate}, ScrapeLoss{LossConflict}, ScrapeLoss{LossOther})

	// ScrapesCoalesced is counted by the Prometheus exporter.
	ScrapesCoalesced = counter(Spec{
		Name:      "telltale_scrapes_coalesced_total",
		Unit:      "{scrape}",
		Help:      "Scrapes that shared the collection of another scrape which waited at the same time.",
		When:      "A scrape arrives while a collection runs and another scrape waits for the next one already.",
		Recorder:  "exporters",
		Component: selfComponent,
	})

	// ScrapeDuration is recorded by the Prometheus exporter.
	ScrapeDuration = histogram(Spec{
		Name:      "telltale_scrape_duration_seconds",
		Unit:      "s",
		Help:      "Time from the arrival of a scrape until its answer was ready to be sent.",
		When:      "The answer to a scrape is ready, whatever its status; sending it is not part of the time.",
		Recorder:  "exporters",
		Buckets:   []float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10},
		Component: selfComponent,
	})
)
