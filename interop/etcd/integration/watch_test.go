package integration

import (
	"context"
	"strings"
	"testing"

	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// watched is what a channel of the official client has given.
type watched struct {
	events []*clientv3.Event
	counts map[string]float64 // what they must leave behind
}

// receive reads a channel until it has given n events.
func receive(t testing.TB, ctx context.Context, answers clientv3.WatchChan, n int, resource func(key string) string) watched {
	t.Helper()
	w := watched{counts: map[string]float64{}}
	for len(w.events) < n {
		select {
		case answer, ok := <-answers:
			if err := answer.Err(); err != nil || !ok {
				t.Fatalf("the watch ends: %v", err)
			}
			w.events = append(w.events, answer.Events...)
		case <-ctx.Done():
			t.Fatalf("got %d events, want %d", len(w.events), n)
		}
	}
	for _, event := range w.events {
		size := float64((*mvccpb.Event)(event).Size())
		name := resource(string(event.Kv.Key))
		w.counts["watcher_event_sizes_count"]++
		w.counts["watcher_event_sizes_sum"] += size
		w.counts["watcher_events_count{"+name+"}"]++
		w.counts["watcher_events_sum{"+name+"}"] += size
	}
	if len(w.events) != n {
		t.Errorf("got %d events, want %d", len(w.events), n)
	}
	return w
}

// always is the resource of every key.
func always(name string) func(string) string { return func(string) string { return name } }

// write changes keys by a client that is not measured, so that only watches leave something behind.
func write(t testing.TB, client *clientv3.Client, puts ...string) {
	t.Helper()
	for _, key := range puts {
		must[*clientv3.PutResponse](t)(client.Put(patient(t), key, "value of "+key))
	}
}

func TestEventsOfSeveralWatches(t *testing.T) {
	server := startServer(t)
	r, bare := connect(t, server), dial(t, server, nil)
	ctx := patient(t)
	users := r.Watch(ctx, "/users/", clientv3.WithPrefix(), clientv3.WithPrevKV())
	alice := r.Watch(ctx, "/users/alice")
	roles := r.Watch(ctx, "/roles/", clientv3.WithPrefix(), clientv3.WithFilterDelete())
	others := r.Watch(ctx, "/other/", clientv3.WithPrefix())
	created := r.Watch(ctx, "/nodes/", clientv3.WithPrefix(), clientv3.WithCreatedNotify())
	if answer := <-created; !answer.Created {
		t.Errorf("got %v, want that the watch is created", answer)
	}
	compare(t, r.counts(t), map[string]float64{})

	write(t, bare, "/users/alice", "/roles/admin", "/users/bob", "/other/thing", "/users/alice", "/unwatched")
	must[*clientv3.DeleteResponse](t)(bare.Delete(ctx, "/users/alice"))
	must[*clientv3.DeleteResponse](t)(bare.Delete(ctx, "/roles/admin"))
	must[*clientv3.TxnResponse](t)(bare.Txn(ctx).Then(clientv3.OpPut("/users/carol", "1"), clientv3.OpPut("/roles/guest", "2")).Commit())
	// Counted only once all have arrived: what the server has accepted may still be on its way.
	want := together(
		receive(t, ctx, users, 5, always("user")).counts,
		receive(t, ctx, alice, 3, always("user")).counts,
		receive(t, ctx, roles, 2, always("role")).counts,
		receive(t, ctx, others, 1, always("unknown")).counts,
	)
	compare(t, r.counts(t), want)
}

func TestAnswersWithoutEvents(t *testing.T) {
	server := startServer(t)
	r, bare := connect(t, server), dial(t, server, nil)
	ctx := patient(t)
	write(t, bare, "/users/a", "/users/b")
	revision := must[*clientv3.PutResponse](t)(bare.Put(ctx, "/users/c", "")).Header.Revision

	users := r.Watch(ctx, "/users/", clientv3.WithPrefix(), clientv3.WithRev(revision))
	seen := receive(t, ctx, users, 1, always("user"))
	if err := r.RequestProgress(ctx); err != nil {
		t.Fatal(err)
	}
	if answer := <-users; !answer.IsProgressNotify() {
		t.Errorf("got %v, want a note of progress", answer)
	}
	compare(t, r.counts(t), seen.counts)

	must[*clientv3.CompactResponse](t)(bare.Compact(ctx, revision))
	answer := <-r.Watch(ctx, "/users/", clientv3.WithPrefix(), clientv3.WithRev(1))
	if answer.Err() != rpctypes.ErrCompacted || !answer.Canceled {
		t.Errorf("got %v, want that the revision is compacted", answer.Err())
	}
	compare(t, r.counts(t), seen.counts)

	leaving, leave := context.WithCancel(ctx)
	left := r.Watch(leaving, "/roles/", clientv3.WithPrefix())
	leave()
	for range left {
		t.Error("a watch that is cancelled has an answer")
	}
	compare(t, r.counts(t), seen.counts)
}

// A watch that starts in the past gets everything at once, in fragments if it asks for them.
func TestEventsInFragments(t *testing.T) {
	server := startServer(t)
	r, bare := connect(t, server), dial(t, server, nil)
	ctx := patient(t)
	const n = 5
	var first int64
	for i := range n {
		put := must[*clientv3.PutResponse](t)(bare.Put(ctx, "/nodes/large", strings.Repeat("x", 1<<20)))
		if i == 0 {
			first = put.Header.Revision
		}
	}
	nodes := r.Watch(ctx, "/nodes/", clientv3.WithPrefix(), clientv3.WithRev(first), clientv3.WithFragment())
	compare(t, receive(t, ctx, nodes, n, always("node")).counts, r.counts(t))
	if got := r.counts(t)["watcher_event_sizes_sum"]; got < n<<20 {
		t.Errorf("got %v bytes, want those of the values at least", got)
	}
}

// The client opens a new stream when a server comes back, and asks for what it has not seen.
func TestEventsAfterARestart(t *testing.T) {
	server := startServer(t)
	r, bare := connect(t, server), dial(t, server, nil)
	ctx := patient(t)
	users := r.Watch(ctx, "/users/", clientv3.WithPrefix())
	write(t, bare, "/users/a", "/users/b")
	before := receive(t, ctx, users, 2, always("user"))
	server.Stop()
	server.Start(t)
	write(t, bare, "/users/c")
	after := receive(t, ctx, users, 1, always("user"))
	compare(t, r.counts(t), together(before.counts, after.counts))
}
