package instruments

// Requests to an etcd database. Each is counted and timed when it ends,
// successful or not, by the interceptor of package instruments/etcd.
var (
	// EtcdReads is counted with each value of EtcdReadSeconds.
	EtcdReads = counter(Spec{
		Name:      "etcd_backend_read_requests",
		Unit:      "{request}",
		Help:      "Reads of one key from etcd, failed ones included.",
		When:      "A Range call for a single key through instruments/etcd ends.",
		Recorder:  "instruments/etcd",
		Component: componentEtcd,
	})

	// EtcdReadSeconds is recorded with each count of EtcdReads.
	EtcdReadSeconds = histogram(Spec{
		Name:      "etcd_backend_read_seconds",
		Unit:      "s",
		Help:      "Time taken to read one key from etcd.",
		When:      "A Range call for a single key through instruments/etcd ends.",
		Recorder:  "instruments/etcd",
		Buckets:   latencyBuckets,
		Component: componentEtcd,
	})

	// EtcdBatchReads is counted with each value of EtcdBatchReadSeconds.
	EtcdBatchReads = counter(Spec{
		Name:      "etcd_backend_batch_read_requests",
		Unit:      "{request}",
		Help:      "Reads of a range of keys from etcd, failed ones included.",
		When:      "A Range call with a range end through instruments/etcd ends.",
		Recorder:  "instruments/etcd",
		Component: componentEtcd,
	})

	// EtcdBatchReadSeconds is recorded with each count of EtcdBatchReads.
	EtcdBatchReadSeconds = histogram(Spec{
		Name:      "etcd_backend_batch_read_seconds",
		Unit:      "s",
		Help:      "Time taken to read a range of keys from etcd.",
		When:      "A Range call with a range end through instruments/etcd ends.",
		Recorder:  "instruments/etcd",
		Buckets:   latencyBuckets,
		Component: componentEtcd,
	})

	// EtcdTransactions is counted with each value of EtcdTransactionSeconds.
	EtcdTransactions = counter(Spec{
		Name:      "etcd_backend_tx_requests",
		Unit:      "{request}",
		Help:      "Transactions that etcd was asked for, failed ones included.",
		When:      "A Txn call through instruments/etcd ends; what is inside the transaction does not count again.",
		Recorder:  "instruments/etcd",
		Component: componentEtcd,
	})

	// EtcdTransactionSeconds is recorded with each count of EtcdTransactions.
	EtcdTransactionSeconds = histogram(Spec{
		Name:      "etcd_backend_tx_seconds",
		Unit:      "s",
		Help:      "Time taken by transactions in etcd.",
		When:      "A Txn call through instruments/etcd ends.",
		Recorder:  "instruments/etcd",
		Buckets:   latencyBuckets,
		Component: componentEtcd,
	})

	// EtcdWrites is counted with each value of EtcdWriteSeconds.
	EtcdWrites = counter(Spec{
		Name:      "etcd_backend_write_requests",
		Unit:      "{request}",
		Help:      "Writes of one key and deletes in etcd, failed ones included.",
		When:      "A Put or DeleteRange call through instruments/etcd ends, where a delete of a range is one write.",
		Recorder:  "instruments/etcd",
		Component: componentEtcd,
	})

	// EtcdWriteSeconds is recorded with each count of EtcdWrites.
	EtcdWriteSeconds = histogram(Spec{
		Name:      "etcd_backend_write_seconds",
		Unit:      "s",
		Help:      "Time taken to write one key or to delete in etcd.",
		When:      "A Put or DeleteRange call through instruments/etcd ends, where a delete of a range is one write.",
		Recorder:  "instruments/etcd",
		Buckets:   latencyBuckets,
		Component: componentEtcd,
	})
)
