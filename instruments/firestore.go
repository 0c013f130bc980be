package instruments

// Requests to the audit events that are kept in Cloud Firestore. Each is
// counted and timed when it ends, successful or not, by the interceptor of
// package instruments/firestore.
var (
	// FirestoreBatchReads is counted with each value of FirestoreBatchReadSeconds.
	FirestoreBatchReads = counter(Spec{
		Name:      "firestore_events_backend_batch_read_requests",
		Unit:      "{request}",
		Help:      "Queries for a range of audit events in Cloud Firestore, failed ones included.",
		When:      "A query, an aggregation, a batch get or a page of a list through instruments/firestore ends: with its last document, with an error, or given up.",
		Recorder:  "instruments/firestore",
		Component: componentFirestore,
	})

	// FirestoreBatchReadSeconds is recorded with each count of FirestoreBatchReads.
	FirestoreBatchReadSeconds = histogram(Spec{
		Name:      "firestore_events_backend_batch_read_seconds",
		Unit:      "s",
		Help:      "Time taken by queries for a range of audit events in Cloud Firestore.",
		When:      "A query, an aggregation, a batch get or a page of a list through instruments/firestore ends: with its last document, with an error, or given up.",
		Recorder:  "instruments/firestore",
		Buckets:   latencyBuckets,
		Component: componentFirestore,
	})

	// FirestoreBatchWrites is counted with each value of FirestoreBatchWriteSeconds.
	FirestoreBatchWrites = counter(Spec{
		Name:      "firestore_events_backend_batch_write_requests",
		Unit:      "{request}",
		Help:      "Batches that wrote or deleted audit events in Cloud Firestore, failed ones included.",
		When:      "A commit or batch write of two or more writes through instruments/firestore ends.",
		Recorder:  "instruments/firestore",
		Component: componentFirestore,
	})

	// FirestoreBatchWriteSeconds is recorded with each count of FirestoreBatchWrites.
	FirestoreBatchWriteSeconds = histogram(Spec{
		Name:      "firestore_events_backend_batch_write_seconds",
		Unit:      "s",
		Help:      "Time taken by batches that wrote or deleted audit events in Cloud Firestore.",
		When:      "A commit or batch write of two or more writes through instruments/firestore ends.",
		Recorder:  "instruments/firestore",
		Buckets:   latencyBuckets,
		Component: componentFirestore,
	})
)
