package main

// pageIntro takes the number of metrics.
const pageIntro = `<!-- Written by "make generate" from the declarations in instruments/. Change those, not this page. -->

# Metrics

Everything that Telltale can show: %d metrics, each declared once in the Go package
` + "`instruments`" + ` and found under the same name at every exit.

- [Documented metrics](#documented-metrics): what dashboards and alerts of an access plane know.
- [Telltale's own metrics](#telltales-own-metrics): what happens to the telemetry itself.
- [Semantic-convention runtime metrics](#semantic-convention-runtime-metrics): the Go runtime as OpenTelemetry names it.
- [Buckets](#buckets) of the histograms.

## How to read the tables

**Name.** ` + "`/metrics`" + ` shows exactly this name and these labels; no suffix for unit or type is added, and no
label of the instrumentation scope. A histogram called ` + "`x`" + ` comes out as ` + "`x_bucket`, `x_sum` and `x_count`" + `.

**Names over OTLP.** A push carries the same name and, beside it, the unit in UCUM notation. What a receiver makes of them is
the receiver's choice: Prometheus' own OTLP endpoint, and Collector exporters that write to Prometheus, add suffixes
unless told otherwise, so that ` + "`rx`" + ` in bytes becomes ` + "`rx_bytes_total`" + ` there. To keep the names, set
` + "`translation_strategy: UnderscoreEscapingWithoutSuffixes`" + ` in the ` + "`otlp`" + ` section of Prometheus, or ` + "`add_metric_suffixes: false`" + ` in the exporter.
The summary travels as an OTLP summary; some receivers drop that type.

**Kind.** A counter starts at 0 with the process and only grows; use ` + "`rate()`" + `. A gauge is a value of the
moment. Histograms are cumulative over the buckets named.

**By.** The package that records the metric. The agent brings its own and those of the Go runtime and the process with it; each other
package takes the agent's registry and is wired with a line or two, see its documentation. A metric that nobody
records in a program stays at zero.

**First scrape.** A metric without labels is there from the first scrape on, at zero where nothing has happened yet, and so is
every label set whose values are listed. Other label sets appear when they are first recorded. What is read
at each collection is absent where the system cannot tell it, such as ` + "`process_*`" + ` outside Linux.

**Too many label sets.** Each metric has room for 2000 label sets unless configured otherwise. What exceeds them is added to
one series with the single label ` + "`otel_metric_overflow=\"true\"`" + `, and counted in ` + "`telltale_series_overflow_total`" + `.
`

const documentedIntro = `Sorted by the part of the system that they tell about. A program records those that concern it;
the standalone agent records those of its own process.
`

const ownIntro = `Of interest when a number is in doubt: they count what was dropped, altered, refused or late.
The label ` + "`endpoint`" + ` is the scheme, host and port of a collector.
`

const semconvIntro = `Recorded by OpenTelemetry's runtime instrumentation beside the documented ` + "`go_*`" + ` metrics. Over OTLP they keep their
dotted names.
`

const bucketsIntro = `The last bucket, up to ` + "`+Inf`" + `, is always there and not listed.
`
