// Package kv measures the requests to a store of keys and values: to the
// backend of a service, and to the cache in front of it.
//
// [Store] is the small interface that both have in common. [Wrap] puts the
// meter around one of them:
//
//	backend := kv.Wrap(registry, instruments.StoreBackend, newEtcdStore(client))
//	cache := kv.Wrap(registry, instruments.StoreCache, newCache(backend))
//
// Each call is counted and timed once, when it returns, whether it succeeds,
// fails or panics. The label component is that which Wrap was told:
//
//   - backend_read_requests_total, backend_read_seconds: Get. A key that is not
//     there was looked for, too: that is a read like any other.
//   - backend_batch_read_requests_total, backend_batch_read_seconds: Range.
//   - backend_write_requests_total, backend_write_seconds: Put and Delete.
//   - backend_batch_write_requests_total, backend_batch_write_seconds:
//     DeleteRange and Txn. A transaction is one batch write, whatever it holds
//     and whether or not its conditions were met, since it changes several keys
//     in one request.
//
// A read that the cache cannot answer and passes on to the backend counts for
// both, as two requests are made. The time of the cache holds that of the
// backend.
//
// With a nil or a closed registry the wrapper works and records nothing.
package kv
