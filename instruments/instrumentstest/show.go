package instrumentstest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/telltale-agent/telltale/instruments"
)

// Open is New for where there is no test: runnable examples, which print what
// [Exit.Show] returns. It panics where New fails the test. The caller closes
// the registry.
func Open(options ...instruments.Option) *Exit {
	e, err := open(options)
	if err != nil {
		panic(err)
	}
	return e
}

// Show returns what one collection has of the metrics whose names begin with
// one of the prefixes: a line with the name and the value for each series that
// Recorded returns, in the order of their names. If the collection fails, the
// text says why.
func (e *Exit) Show(prefixes ...string) string {
	var data metricdata.ResourceMetrics
	if err := e.read(&data); err != nil {
		return fmt.Sprintln("collect:", err)
	}
	values := valuesOf(&data).recorded()
	var text strings.Builder
	for _, series := range slices.Sorted(maps.Keys(values)) {
		if slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(series, p) }) {
			fmt.Fprintln(&text, series, values[series])
		}
	}
	return text.String()
}
