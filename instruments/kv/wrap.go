package kv

import (
	"context"
	"time"

	"github.com/telltale-agent/telltale/instruments"
)

// Wrap returns a store that passes every call to the given one and records it
// under the component that the store is. Arguments, results and panics pass
// unchanged. The result is safe for concurrent use as far as the store is,
// adds no memory to a call, and has a method Unwrap that returns the store, for
// whoever wants what it can do beyond [Store].
func Wrap(reg *instruments.Registry, component instruments.StoreKind, store Store) Store {
	at := instruments.Store{Component: component}
	return &wrapped{
		store:       store,
		reads:       meter{instruments.BackendReads.In(reg).At(at), instruments.BackendReadSeconds.In(reg).At(at)},
		batchReads:  meter{instruments.BackendBatchReads.In(reg).At(at), instruments.BackendBatchReadSeconds.In(reg).At(at)},
		writes:      meter{instruments.BackendWrites.In(reg).At(at), instruments.BackendWriteSeconds.In(reg).At(at)},
		batchWrites: meter{instruments.BackendBatchWrites.In(reg).At(at), instruments.BackendBatchWriteSeconds.In(reg).At(at)},
	}
}

type wrapped struct {
	store                                  Store
	reads, batchReads, writes, batchWrites meter
}

// Unwrap returns the store that was given to Wrap.
func (w *wrapped) Unwrap() Store { return w.store }

func (w *wrapped) Get(ctx context.Context, key string) (Item, error) {
	defer w.reads.end(time.Now())
	return w.store.Get(ctx, key)
}

func (w *wrapped) Range(ctx context.Context, start, end string, limit int) ([]Item, error) {
	defer w.batchReads.end(time.Now())
	return w.store.Range(ctx, start, end, limit)
}

func (w *wrapped) Put(ctx context.Context, item Item) error {
	defer w.writes.end(time.Now())
	return w.store.Put(ctx, item)
}

func (w *wrapped) Delete(ctx context.Context, key string) error {
	defer w.writes.end(time.Now())
	return w.store.Delete(ctx, key)
}

func (w *wrapped) DeleteRange(ctx context.Context, start, end string) error {
	defer w.batchWrites.end(time.Now())
	return w.store.DeleteRange(ctx, start, end)
}

func (w *wrapped) Txn(ctx context.Context, txn Txn) error {
	defer w.batchWrites.end(time.Now())
	return w.store.Txn(ctx, txn)
}

// meter counts and times calls of one kind.
type meter struct {
	count   *instruments.CounterCell
	seconds *instruments.HistogramCell
}

// end is deferred, so that it sees every way in which a call can end.
func (m *meter) end(start time.Time) {
	m.count.Inc()
	m.seconds.Record(time.Since(start).Seconds())
}
