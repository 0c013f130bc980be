package instruments

// StoreKind tells the two stores apart that answer the same requests.
type StoreKind string

// The stores. Both are shown from the first scrape on.
const (
	StoreBackend StoreKind = "backend" // the storage backend itself
	StoreCache   StoreKind = "cache"   // the cache in front of it
)

// Store is the label set of the backend metrics.
type Store struct {
	Component StoreKind `label:"component"`
}

// Requests to the storage backend and to the cache in front of it. Each is
// counted and timed when it ends, successful or not, by the wrapper of package
// instruments/kv; a delete is a write, a transaction a batch write.
var (
	// BackendReads is counted with each value of BackendReadSeconds.
	BackendReads = counterBy(Spec{
		Name:      "backend_read_requests_total",
		Unit:      "{request}",
		Help:      "Reads of one key from the backend or its cache, failed ones included.",
		When:      "A single-key read through instruments/kv ends.",
		Recorder:  "instruments/kv",
		Component: componentCache,
	}, Store{StoreBackend}, Store{StoreCache})

	// BackendReadSeconds is recorded with each count of BackendReads.
	BackendReadSeconds = histogramBy(Spec{
		Name:      "backend_read_seconds",
		Unit:      "s",
		Help:      "Time taken to read one key from the backend or its cache.",
		When:      "A single-key read through instruments/kv ends.",
		Recorder:  "instruments/kv",
		Buckets:   latencyBuckets,
		Component: componentCache,
	}, Store{StoreBackend}, Store{StoreCache})

	// BackendWrites is counted with each value of BackendWriteSeconds.
	BackendWrites = counterBy(Spec{
		Name:      "backend_write_requests_total",
		Unit:      "{request}",
		Help:      "Writes and deletes of one key in the backend or its cache, failed ones included.",
		When:      "A single-key write or delete through instruments/kv ends.",
		Recorder:  "instruments/kv",
		Component: componentCache,
	}, Store{StoreBackend}, Store{StoreCache})

	// BackendWriteSeconds is recorded with each count of BackendWrites.
	BackendWriteSeconds = histogramBy(Spec{
		Name:      "backend_write_seconds",
		Unit:      "s",
		Help:      "Time taken to write or delete one key in the backend or its cache.",
		When:      "A single-key write or delete through instruments/kv ends.",
		Recorder:  "instruments/kv",
		Buckets:   latencyBuckets,
		Component: componentCache,
	}, Store{StoreBackend}, Store{StoreCache})

	// BackendBatchReads is counted with each value of BackendBatchReadSeconds.
	BackendBatchReads = counterBy(Spec{
		Name:      "backend_batch_read_requests_total",
		Unit:      "{request}",
		Help:      "Reads of a range of keys from the backend or its cache, failed ones included.",
		When:      "A range read through instruments/kv ends.",
		Recorder:  "instruments/kv",
		Component: componentCache,
	}, Store{StoreBackend}, Store{StoreCache})

	// BackendBatchReadSeconds is recorded with each count of BackendBatchReads.
	BackendBatchReadSeconds = histogramBy(Spec{
		Name:      "backend_batch_read_seconds",
		Unit:      "s",
		Help:      "Time taken to read a range of keys from the backend or its cache.",
		When:      "A range read through instruments/kv ends.",
		Recorder:  "instruments/kv",
		Buckets:   latencyBuckets,
		Component: componentCache,
	}, Store{StoreBackend}, Store{StoreCache})

	// BackendBatchWrites is counted with each value of BackendBatchWriteSeconds.
	BackendBatchWrites = counterBy(Spec{
		Name:      "backend_batch_write_requests_total",
		Unit:      "{request}",
		Help:      "Writes and deletes of several keys at once in the backend or its cache, failed ones included.",
		When:      "A range delete or a transaction through instruments/kv ends.",
		Recorder:  "instruments/kv",
		Component: componentCache,
	}, Store{StoreBackend}, Store{StoreCache})

	// BackendBatchWriteSeconds is recorded with each count of BackendBatchWrites.
	BackendBatchWriteSeconds = histogramBy(Spec{
		Name:      "backend_batch_write_seconds",
		Unit:      "s",
		Help:      "Time taken to write or delete several keys at once in the backend or its cache.",
		When:      "A range delete or a transaction through instruments/kv ends.",
		Recorder:  "instruments/kv",
		Buckets:   latencyBuckets,
		Component: componentCache,
	}, Store{StoreBackend}, Store{StoreCache})
)
