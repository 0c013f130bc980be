package instruments

// latencyBuckets double from 1 ms to about half a minute, in seconds: every
// latency that dashboards of the access plane know is cut like this.
var latencyBuckets = []float64{
	0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128,
	0.256, 0.512, 1.024, 2.048, 4.096, 8.192, 16.384, 32.768,
}

// eventSizeBuckets are even steps of 100 bytes, for all events together.
var eventSizeBuckets = []float64{
	0, 100, 200, 300, 400, 500, 600, 700, 800, 900,
	1000, 1100, 1200, 1300, 1400, 1500, 1600, 1700, 1800, 1900,
}

// resourceSizeBuckets are coarser, in bytes: one set is kept for each resource.
var resourceSizeBuckets = []float64{0, 200, 400, 600, 800}
