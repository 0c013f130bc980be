package exporters

import (
	"net/http"
	"strconv"
	"time"
)

// timeoutHeader is how Prometheus says when it gives a scrape up.
const timeoutHeader = "X-Prometheus-Scrape-Timeout-Seconds"

const (
	defaultScrapeTimeout = 10 * time.Second       // that of Prometheus
	minScrapeTimeout     = 100 * time.Millisecond // less is of no use to anybody
	maxScrapeTimeout     = time.Minute            // more would only keep what is stuck
	maxScrapeMargin      = 500 * time.Millisecond
)

// scrapeTimeout is how long the scraper waits for the whole answer. What cannot
// be understood means the default.
func scrapeTimeout(header http.Header) time.Duration {
	seconds, err := strconv.ParseFloat(header.Get(timeoutHeader), 64)
	if err != nil || !(seconds > 0) {
		return defaultScrapeTimeout
	}
	if seconds >= maxScrapeTimeout.Seconds() {
		return maxScrapeTimeout
	}
	return max(time.Duration(seconds*float64(time.Second)), minScrapeTimeout)
}

// scrapeMargin is the part of the timeout that is kept for encoding the answer
// and for its way to the scraper: a tenth, at most half a second.
func scrapeMargin(timeout time.Duration) time.Duration {
	return min(timeout/10, maxScrapeMargin)
}
