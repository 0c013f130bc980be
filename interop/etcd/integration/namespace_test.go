package integration

import (
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/namespace"
)

// A client in a namespace leaves the prefix out of its keys. The rule for resources gets the keys with it.
func TestNamespace(t *testing.T) {
	r := connect(t, startServer(t))
	ctx := patient(t)
	store, watcher := namespace.NewKV(r.KV, "/users/"), namespace.NewWatcher(r.Watcher, "/users/")
	answers := watcher.Watch(ctx, "al", clientv3.WithPrefix(), clientv3.WithCreatedNotify())
	<-answers
	must[*clientv3.PutResponse](t)(store.Put(ctx, "alice", "1"))
	must[*clientv3.GetResponse](t)(store.Get(ctx, "alice"))
	must[*clientv3.GetResponse](t)(store.Get(ctx, "", clientv3.WithPrefix()))
	must[*clientv3.TxnResponse](t)(store.Txn(ctx).Then(clientv3.OpPut("alice", "2")).Commit())
	if answer := <-answers; len(answer.Events) != 1 || string(answer.Events[0].Kv.Key) != "alice" {
		t.Errorf("got %v, want an event of alice", answer.Events)
	}
	if answer := <-answers; len(answer.Events) != 1 {
		t.Errorf("got %v, want one more event", answer.Events)
	}
	got := r.counts(t)
	if got["watcher_event_sizes_sum"] != got["watcher_events_sum{user}"] {
		t.Errorf("got %v, want every byte under the resource", got)
	}
	delete(got, "watcher_event_sizes_sum")
	delete(got, "watcher_events_sum{user}")
	compare(t, got, together(requests("write", 1), requests("read", 1), requests("batch_read", 1), requests("tx", 1),
		map[string]float64{"watcher_event_sizes_count": 2, "watcher_events_count{user}": 2}))
}
