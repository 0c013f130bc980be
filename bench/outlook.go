package main

// outlook says where the time goes in what is slower than it is aimed to be, and
// what it would take to change that. It rests on the rows of the section aim and on
// profiles of the benchmarks in this package; whoever changes those paths should
// take new ones.
var outlook = map[string]string{
	"record": `Histograms cost what the SDK's Record costs, since they are its own, and up to a seventh more for the checks before
it: they cannot hold a bound of 1. With labels half of that goes into removing duplicate attributes and looking the
point up, at each call, though both are known when the cell is resolved.
client_golang's level takes histogram cells of our own, with an atomic count for each bucket, that leave the process
through a metric producer at every exit. The SDK's views and exemplars would not reach those.
`,
	"scrape": `Of a scrape of 10 000 series about three fifths go into the OpenTelemetry exporter for Prometheus, which makes a
descriptor, label pairs and a constant metric anew for each series; a fifth into the SDK's collection, which puts each
observed value into a map; the rest into sorting and writing. client_golang's level takes a collector of our own
beside the bridge that keeps the label pairs with each cell and writes only the value. The SDK would then serve
pushes and the embedder's instruments only, and a test would have to hold both ways to the same answer.
`,
}
