package instruments

import "fmt"

// Kind says how the values of a metric behave and which type a scrape shows.
type Kind uint8

// The kinds. The zero Kind is none of them.
const (
	KindCounter   Kind = iota + 1 // only grows, from 0 at the start of the process
	KindGauge                     // any value, at any time
	KindHistogram                 // distribution over fixed buckets
	KindSummary                   // quantiles computed at the source; OpenTelemetry has no instrument for it
)

// String gives the type as the Prometheus text format names it.
func (k Kind) String() string {
	switch k {
	case KindCounter:
		return "counter"
	case KindGauge:
		return "gauge"
	case KindHistogram:
		return "histogram"
	case KindSummary:
		return "summary"
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// exposes lists the names that a metric of this kind occupies on a scrape.
// Two metrics must not share any of them.
func (k Kind) exposes(name string) []string {
	switch k {
	case KindHistogram:
		return []string{name, name + "_bucket", name + "_sum", name + "_count"}
	case KindSummary:
		return []string{name, name + "_sum", name + "_count"}
	default:
		return []string{name}
	}
}
