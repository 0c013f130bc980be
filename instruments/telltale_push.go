package instruments

// PushEndpoint is the label set of what is told about one collector.
type PushEndpoint struct {
	// Endpoint is scheme://host:port, without anything that could be secret;
	// numbered, as in http://gateway:4318#2, where collectors share one.
	Endpoint string `label:"endpoint"`
}

// PushResult says how an export ended.
type PushResult string

// The results of exports.
const (
	PushSuccess PushResult = "success"
	PushFailure PushResult = "failure"
)

// PushOutcome is the label set of telltale_push_exports_total.
type PushOutcome struct {
	Endpoint string     `label:"endpoint"`
	Result   PushResult `label:"result"`
}

// PushFailureReason says why an export failed.
type PushFailureReason string

// The reasons for which exports fail.
const (
	PushRefused     PushFailureReason = "refused"     // nobody listens
	PushTimeout     PushFailureReason = "timeout"     // no answer in time
	PushThrottled   PushFailureReason = "throttled"   // the collector asks for less
	PushRejected    PushFailureReason = "rejected"    // the collector will not have it
	PushUnavailable PushFailureReason = "unavailable" // the collector cannot be reached, or says so
	PushTLS         PushFailureReason = "tls"         // certificates or the handshake
	PushEncode      PushFailureReason = "encode"      // the request could not be made
	PushOther       PushFailureReason = "other"
)

// FailedPush is the label set of telltale_push_failures_total.
type FailedPush struct {
	Endpoint string            `label:"endpoint"`
	Reason   PushFailureReason `label:"reason"`
}

// PushDropReason says why points did not get to a collector although the
// export they were part of succeeded.
type PushDropReason string

// The reasons for the loss of points.
const (
	PushDropRejected PushDropReason = "rejected" // the collector took the rest and reported these
	PushDropInvalid  PushDropReason = "invalid"  // taken out beforehand: they could not be encoded
	// PushDropDuplicate is a second point of one series, or a second metric of
	// one name with another type, taken out beforehand.
	PushDropDuplicate PushDropReason = "duplicate"
)

// DroppedPoints is the label set of telltale_push_points_dropped_total.
type DroppedPoints struct {
	Endpoint string         `label:"endpoint"`
	Reason   PushDropReason `label:"reason"`
}

// What the OTLP exporters tell about each collector.
var (
	// PushExports is counted by the OTLP exporter, once for each cycle.
	PushExports = counterBy[PushOutcome](Spec{
		Name:      "telltale_push_exports_total",
		Unit:      "{export}",
		Help:      "Exports to a collector, by how they ended after all their attempts.",
		When:      "The OTLP exporter is done with an export, retries included.",
		Recorder:  "exporters",
		Component: selfComponent,
	})

	// PushFailures is counted by the OTLP exporter with each failed export.
	PushFailures = counterBy[FailedPush](Spec{
		Name:      "telltale_push_failures_total",
		Unit:      "{export}",
		Help:      "Exports to a collector that failed, by the reason of the last attempt.",
		When:      "An export is given up; telltale_push_exports_total counts the same one as a failure.",
		Recorder:  "exporters",
		Component: selfComponent,
	})

	// PushSeconds is recorded by the OTLP exporter.
	PushSeconds = histogramBy[PushEndpoint](Spec{
		Name:      "telltale_push_duration_seconds",
		Unit:      "s",
		Help:      "Time taken by exports to a collector, retries and failures included.",
		When:      "The OTLP exporter is done with an export.",
		Recorder:  "exporters",
		Buckets:   latencyBuckets,
		Component: selfComponent,
	})

	// PushLastSuccess is set by the OTLP exporter.
	PushLastSuccess = gaugeBy[PushEndpoint](Spec{
		Name:      "telltale_push_last_success_timestamp_seconds",
		Unit:      "s",
		Help:      "Moment of the last export that the collector accepted, in seconds since 1970; 0 before the first.",
		When:      "An export succeeds.",
		Recorder:  "exporters",
		Component: selfComponent,
	})

	// PushUp is set by the OTLP exporter.
	PushUp = gaugeBy[PushEndpoint](Spec{
		Name:      "telltale_push_up",
		Unit:      "1",
		Help:      "Whether the last export to the collector succeeded: 1 if so, 0 if not or if there was none.",
		When:      "An export ends.",
		Recorder:  "exporters",
		Component: selfComponent,
	})

	// PushPointsDropped is counted by the OTLP exporter.
	PushPointsDropped = counterBy[DroppedPoints](Spec{
		Name:      "telltale_push_points_dropped_total",
		Unit:      "{point}",
		Help:      "Data points that a collector did not get, or did not take, although the export succeeded.",
		When:      "A point is taken out of an export because it cannot be encoded or is there twice, or the collector's answer reports it as rejected.",
		Recorder:  "exporters",
		Component: selfComponent,
	})
)
