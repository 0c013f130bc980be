package integration

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/telltale-agent/telltale/instruments"
	"github.com/telltale-agent/telltale/instruments/kv"
)

// etcdStore is the official client as a store: what a user of kv.Wrap writes. The time of expiry stands in front of the
// value.
type etcdStore struct{ client *clientv3.Client }

func encode(item kv.Item) string {
	var nanoseconds int64
	if !item.Expires.IsZero() {
		nanoseconds = item.Expires.UnixNano()
	}
	return string(binary.BigEndian.AppendUint64(nil, uint64(nanoseconds))) + string(item.Value)
}

func decode(pair *mvccpb.KeyValue) kv.Item {
	item := kv.Item{Key: string(pair.Key), Revision: pair.ModRevision}
	if len(pair.Value) >= 8 {
		if nanoseconds := int64(binary.BigEndian.Uint64(pair.Value)); nanoseconds != 0 {
			item.Expires = time.Unix(0, nanoseconds)
		}
		item.Value = pair.Value[8:]
	}
	return item
}

func (s etcdStore) Get(ctx context.Context, key string) (kv.Item, error) {
	answer, err := s.client.Get(ctx, key)
	if err != nil {
		return kv.Item{}, err
	}
	if len(answer.Kvs) == 0 {
		return kv.Item{}, fmt.Errorf("get %s: %w", key, kv.ErrNotFound)
	}
	return decode(answer.Kvs[0]), nil
}

func upTo(end string) clientv3.OpOption {
	if end == "" {
		return clientv3.WithFromKey()
	}
	return clientv3.WithRange(end)
}

func (s etcdStore) Range(ctx context.Context, start, end string, limit int) ([]kv.Item, error) {
	answer, err := s.client.Get(ctx, start, upTo(end), clientv3.WithLimit(int64(limit)))
	if err != nil {
		return nil, err
	}
	var items []kv.Item
	for _, pair := range answer.Kvs {
		items = append(items, decode(pair))
	}
	return items, nil
}

func (s etcdStore) Put(ctx context.Context, item kv.Item) error {
	_, err := s.client.Put(ctx, item.Key, encode(item))
	return err
}

func (s etcdStore) Delete(ctx context.Context, key string) error {
	answer, err := s.client.Delete(ctx, key)
	if err == nil && answer.Deleted == 0 {
		err = fmt.Errorf("delete %s: %w", key, kv.ErrNotFound)
	}
	return err
}

func (s etcdStore) DeleteRange(ctx context.Context, start, end string) error {
	_, err := s.client.Delete(ctx, start, upTo(end))
	return err
}

func (s etcdStore) Txn(ctx context.Context, txn kv.Txn) error {
	var conditions []clientv3.Cmp
	for _, c := range txn.If {
		conditions = append(conditions, clientv3.Compare(clientv3.ModRevision(c.Key), "=", c.Revision))
	}
	var ops []clientv3.Op
	for _, item := range txn.Put {
		ops = append(ops, clientv3.OpPut(item.Key, encode(item)))
	}
	for _, key := range txn.Delete {
		ops = append(ops, clientv3.OpDelete(key))
	}
	answer, err := s.client.Txn(ctx).If(conditions...).Then(ops...).Commit()
	if err == nil && !answer.Succeeded {
		err = kv.ErrOutdated
	}
	return err
}

// stored is what n calls of a store of one kind leave behind.
func stored(kind, component string, n int) map[string]float64 {
	of := "{" + component + "}"
	return map[string]float64{"backend_" + kind + "_requests_total" + of: float64(n), "backend_" + kind + "_seconds_count" + of: float64(n)}
}

func TestStoreOverEtcd(t *testing.T) {
	r := connect(t, startServer(t))
	store := kv.Wrap(r.exit.Registry, instruments.StoreBackend, etcdStore{r.Client})
	ctx := patient(t)
	expires := time.Unix(2_000_000_000, 0)
	check := func(what string, got, want error) {
		t.Helper()
		if !errors.Is(got, want) {
			t.Errorf("%s: got %v, want %v", what, got, want)
		}
	}
	_, err := store.Get(ctx, "a")
	check("get what is not there", err, kv.ErrNotFound)
	check("delete what is not there", store.Delete(ctx, "a"), kv.ErrNotFound)
	check("put", store.Put(ctx, kv.Item{Key: "a", Value: []byte("1"), Expires: expires}), nil)
	a, err := store.Get(ctx, "a")
	if check("get", err, nil); string(a.Value) != "1" || !a.Expires.Equal(expires) {
		t.Errorf("got %v, want what was put", a)
	}
	check("transaction", store.Txn(ctx, kv.Txn{
		If:  []kv.Condition{{Key: "a", Revision: a.Revision}, {Key: "b"}},
		Put: []kv.Item{{Key: "b"}, {Key: "c"}}, Delete: []string{"a"},
	}), nil)
	check("outdated transaction", store.Txn(ctx, kv.Txn{If: []kv.Condition{{Key: "a", Revision: a.Revision}}}), kv.ErrOutdated)
	items, err := store.Range(ctx, "a", "", 1)
	if check("range", err, nil); len(items) != 1 || items[0].Key != "b" {
		t.Errorf("got %v, want b", items)
	}
	check("delete", store.Delete(ctx, "b"), nil)
	check("delete range", store.DeleteRange(ctx, "a", "z"), nil)
	items, err = store.Range(ctx, "a", "z", 0)
	if check("range", err, nil); len(items) != 0 {
		t.Errorf("got %v, want nothing", items)
	}
	compare(t, r.counts(t), together(
		stored("read", "backend", 2), requests("read", 2),
		stored("batch_read", "backend", 2), requests("batch_read", 2),
		stored("write", "backend", 3), requests("write", 3+1),
		stored("batch_write", "backend", 3), requests("tx", 2),
	))
}
