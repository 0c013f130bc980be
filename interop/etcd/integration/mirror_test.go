package integration

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/telltale-agent/telltale/instruments"
	"github.com/telltale-agent/telltale/instruments/cache"
	"github.com/telltale-agent/telltale/instruments/kv"
	"github.com/telltale-agent/telltale/interop/internal/harness"
)

// mirror is a cache in front of a store: it holds what a watch of etcd tells, answers reads of single keys from it, and
// passes everything else on.
type mirror struct {
	kv.Store
	events *cache.Observer

	mu    sync.Mutex
	items map[string]kv.Item // guarded by mu
}

func newMirror(store kv.Store, events *cache.Observer) *mirror {
	return &mirror{Store: store, events: events, items: map[string]kv.Item{}}
}

// follow ends with the watch.
func (m *mirror) follow(answers clientv3.WatchChan) {
	for answer := range answers {
		for _, event := range answer.Events {
			item := decode(event.Kv) // without an expiry, if it is a deletion
			m.events.Event(item.Expires)
			m.apply(item, event.Type == clientv3.EventTypeDelete)
		}
	}
}

func (m *mirror) apply(item kv.Item, deleted bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if deleted || !item.Expires.IsZero() && !item.Expires.After(time.Now()) {
		delete(m.items, item.Key)
		return
	}
	m.items[item.Key] = item
}

func (m *mirror) Get(_ context.Context, key string) (kv.Item, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if item, ok := m.items[key]; ok {
		return item, nil
	}
	return kv.Item{}, fmt.Errorf("get %s: %w", key, kv.ErrNotFound)
}

func TestCacheFedByAWatch(t *testing.T) {
	r := connect(t, startServer(t))
	ctx, cancel := context.WithCancel(patient(t))
	backend := kv.Wrap(r.exit.Registry, instruments.StoreBackend, etcdStore{r.Client})
	users := newMirror(backend, cache.New(r.exit.Registry, "users"))
	front := kv.Wrap(r.exit.Registry, instruments.StoreCache, users)

	var following sync.WaitGroup
	answers := r.Watch(ctx, "/users/", clientv3.WithPrefix(), clientv3.WithCreatedNotify())
	<-answers
	following.Go(func() { users.follow(answers) })
	defer following.Wait()
	defer cancel()

	for _, item := range []kv.Item{
		{Key: "/users/alice"},
		{Key: "/users/bob", Expires: time.Now().Add(time.Hour)},
		{Key: "/users/late", Expires: time.Now().Add(-time.Hour)},
		{Key: "/roles/admin"}, // of no concern to this cache
	} {
		if err := front.Put(ctx, item); err != nil {
			t.Fatal(err)
		}
	}
	if err := front.Delete(ctx, "/users/alice"); err != nil {
		t.Fatal(err)
	}
	reads := 0
	read := func(key string) error {
		reads++
		_, err := front.Get(ctx, key)
		return err
	}
	harness.Await(t, "the last event", func() error {
		if err := read("/users/alice"); err == nil || r.counts(t)["teleport_cache_events{users}"] < 4 {
			return fmt.Errorf("alice: %v, %v", err, r.counts(t))
		}
		return nil
	})
	for key, want := range map[string]bool{"/users/bob": true, "/users/late": false, "/roles/admin": false} {
		if err := read(key); (err == nil) != want {
			t.Errorf("%s: got %v", key, err)
		}
	}

	got := r.counts(t)
	for name := range got {
		if strings.HasPrefix(name, "watcher_") {
			delete(got, name) // other tests compare these
		}
	}
	compare(t, got, together(
		map[string]float64{"teleport_cache_events{users}": 4, "teleport_cache_stale_events{users}": 1},
		stored("read", "cache", reads),
		stored("write", "cache", 5), stored("write", "backend", 5), requests("write", 5),
	))
}
