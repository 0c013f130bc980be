package integration

import (
	"fmt"
	"sync"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// Many goroutines share one client and its watches, while the registry is collected again and again.
func TestConcurrentClientsAreExact(t *testing.T) {
	r := connect(t, startServer(t))
	ctx := patient(t)
	const workers, rounds = 8, 10
	var watches []clientv3.WatchChan
	for range workers {
		watches = append(watches, r.Watch(ctx, "/users/", clientv3.WithPrefix(), clientv3.WithCreatedNotify()))
	}
	for _, watch := range watches {
		<-watch
	}

	var working, receiving, collecting sync.WaitGroup
	for w := range workers {
		working.Go(func() {
			key := fmt.Sprint("/users/", w)
			for range rounds {
				for _, call := range []each{
					{call: put(key, "1")}, {call: get(key)}, {call: get("/users/", clientv3.WithPrefix())},
					{call: txn(key, clientv3.OpGet(key))}, {call: remove(key)},
				} {
					if err := call.call(ctx, r.Client); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	for _, watch := range watches {
		receiving.Go(func() { receive(t, ctx, watch, 2*workers*rounds, always("user")) })
	}
	done := make(chan struct{})
	collecting.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				r.counts(t)
			}
		}
	})
	working.Wait()
	receiving.Wait()
	close(done)
	collecting.Wait()

	const n = workers * rounds
	got := r.counts(t)
	if got["watcher_event_sizes_sum"] != got["watcher_events_sum{user}"] {
		t.Errorf("got %v bytes of events and %v of users, want the same", got["watcher_event_sizes_sum"], got["watcher_events_sum{user}"])
	}
	delete(got, "watcher_event_sizes_sum")
	delete(got, "watcher_events_sum{user}")
	compare(t, got, together(
		requests("write", 2*n), requests("read", n), requests("batch_read", n), requests("tx", n),
		map[string]float64{"watcher_event_sizes_count": 2 * n * workers, "watcher_events_count{user}": 2 * n * workers},
	))
}
