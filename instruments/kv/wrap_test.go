package kv_test

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"runtime"
	"strconv"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/telltale-agent/telltale/instruments"
	"github.com/telltale-agent/telltale/instruments/instrumentstest"
	"github.com/telltale-agent/telltale/instruments/kv"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// recorded is what n calls of one kind leave behind.
func recorded(kind string, component instruments.StoreKind, n float64) instrumentstest.Values {
	of := "{" + string(component) + "}"
	return instrumentstest.Values{"backend_" + kind + "_requests_total" + of: n, "backend_" + kind + "_seconds_count" + of: n}
}

// calls are one call of each method, with the kind that it counts as.
var calls = []struct {
	name, kind string
	call       func(ctx context.Context, s kv.Store) (any, error)
}{
	{"get", "read", func(ctx context.Context, s kv.Store) (any, error) { return s.Get(ctx, "k") }},
	{"range", "batch_read", func(ctx context.Context, s kv.Store) (any, error) { return s.Range(ctx, "k", "l", 3) }},
	{"put", "write", func(ctx context.Context, s kv.Store) (any, error) { return nil, s.Put(ctx, kv.Item{Key: "k"}) }},
	{"delete", "write", func(ctx context.Context, s kv.Store) (any, error) { return nil, s.Delete(ctx, "k") }},
	{"delete range", "batch_write", func(ctx context.Context, s kv.Store) (any, error) { return nil, s.DeleteRange(ctx, "k", "l") }},
	{"transaction", "batch_write", func(ctx context.Context, s kv.Store) (any, error) {
		return nil, s.Txn(ctx, kv.Txn{If: []kv.Condition{{Key: "k", Revision: 7}}, Put: []kv.Item{{Key: "k"}}, Delete: []string{"l"}})
	}},
}

// scripted is a store that notes its last call, and does in it what it is told.
type scripted struct {
	got []any
	do  func() error
}

func (s *scripted) Get(ctx context.Context, key string) (kv.Item, error) {
	s.got = []any{ctx, key}
	return kv.Item{Key: key}, s.do()
}

func (s *scripted) Range(ctx context.Context, start, end string, limit int) ([]kv.Item, error) {
	s.got = []any{ctx, start, end, limit}
	return []kv.Item{{Key: start}}, s.do()
}

func (s *scripted) Put(ctx context.Context, item kv.Item) error {
	s.got = []any{ctx, item}
	return s.do()
}

func (s *scripted) Delete(ctx context.Context, key string) error {
	s.got = []any{ctx, key}
	return s.do()
}

func (s *scripted) DeleteRange(ctx context.Context, start, end string) error {
	s.got = []any{ctx, start, end}
	return s.do()
}

func (s *scripted) Txn(ctx context.Context, txn kv.Txn) error {
	s.got = []any{ctx, txn}
	return s.do()
}

func TestCallsPassAndCount(t *testing.T) {
	type key struct{}
	ctx := context.WithValue(context.Background(), key{}, "value")
	for _, want := range []error{nil, errors.New("disk on fire"), kv.ErrNotFound, kv.ErrOutdated, context.Canceled} {
		for _, component := range []instruments.StoreKind{instruments.StoreBackend, instruments.StoreCache} {
			for _, row := range calls {
				t.Run(row.name, func(t *testing.T) {
					exit := instrumentstest.New(t)
					bare := &scripted{do: func() error { return want }}
					wantResult, _ := row.call(ctx, bare)
					wantArguments := bare.got
					bare.got = nil
					result, err := row.call(ctx, kv.Wrap(exit.Registry, component, bare))
					if err != want || !reflect.DeepEqual(result, wantResult) {
						t.Errorf("got %v, %v; want %v, %v", result, err, wantResult, want)
					}
					if !reflect.DeepEqual(bare.got, wantArguments) {
						t.Errorf("the store got %v, want %v", bare.got, wantArguments)
					}
					exit.WantRecorded(t, recorded(row.kind, component, 1))
				})
			}
		}
	}
}

func TestPanicsPassAndCount(t *testing.T) {
	reason := &struct{ text string }{"of the store"}
	for _, row := range calls {
		t.Run(row.name, func(t *testing.T) {
			exit := instrumentstest.New(t)
			func() {
				defer func() {
					if got := recover(); got != reason {
						t.Errorf("recovered %v, want the store's own value", got)
					}
				}()
				_, _ = row.call(context.Background(), kv.Wrap(exit.Registry, instruments.StoreCache, &scripted{do: func() error { panic(reason) }}))
			}()
			exit.WantRecorded(t, recorded(row.kind, instruments.StoreCache, 1))
		})
	}
}

func TestGoexitCounts(t *testing.T) {
	exit := instrumentstest.New(t)
	store := kv.Wrap(exit.Registry, instruments.StoreBackend, &scripted{do: func() error {
		runtime.Goexit()
		return nil
	}})
	var done sync.WaitGroup
	done.Go(func() { _ = store.Delete(context.Background(), "k") })
	done.Wait()
	exit.WantRecorded(t, recorded("write", instruments.StoreBackend, 1))
}

func TestWithoutRegistry(t *testing.T) {
	closed := instrumentstest.New(t)
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	for name, registry := range map[string]*instruments.Registry{"nil": nil, "closed": closed.Registry} {
		t.Run(name, func(t *testing.T) {
			store := kv.Wrap(registry, instruments.StoreBackend, newMemory())
			if err := store.Put(context.Background(), kv.Item{Key: "k", Value: []byte("v")}); err != nil {
				t.Error(err)
			}
			if item, err := store.Get(context.Background(), "k"); err != nil || string(item.Value) != "v" {
				t.Errorf("got %q, %v", item.Value, err)
			}
		})
	}
}

func TestUnwrap(t *testing.T) {
	store := newMemory()
	wrapped, ok := kv.Wrap(nil, instruments.StoreBackend, store).(interface{ Unwrap() kv.Store })
	if !ok || wrapped.Unwrap() != kv.Store(store) {
		t.Errorf("got %v, want the store", wrapped)
	}
}

// through is a cache that asks the backend for what it does not have.
type through struct {
	kv.Store
	backend kv.Store
}

func (c through) Get(ctx context.Context, key string) (kv.Item, error) {
	item, err := c.Store.Get(ctx, key)
	if !errors.Is(err, kv.ErrNotFound) {
		return item, err
	}
	if item, err = c.backend.Get(ctx, key); err == nil {
		err = c.Store.Put(ctx, item)
	}
	return item, err
}

func TestCacheBeforeBackendConcurrently(t *testing.T) {
	exit := instrumentstest.New(t)
	ctx := context.Background()
	backend := kv.Wrap(exit.Registry, instruments.StoreBackend, newMemory(kv.Item{Key: "k"}))
	cache := kv.Wrap(exit.Registry, instruments.StoreCache, through{newMemory(kv.Item{Key: "k"}), backend})
	const workers, each = 8, 100
	var done sync.WaitGroup
	for w := range workers {
		done.Go(func() {
			for range each {
				if _, err := cache.Get(ctx, "k"); err != nil {
					t.Error(err)
				}
				missing := strconv.Itoa(w)
				if _, err := cache.Get(ctx, missing); !errors.Is(err, kv.ErrNotFound) {
					t.Errorf("got %v, want that %s is not found", err, missing)
				}
			}
		})
	}
	done.Wait()
	want := recorded("read", instruments.StoreCache, 2*workers*each)
	maps.Copy(want, recorded("read", instruments.StoreBackend, workers*each))
	exit.WantRecorded(t, want)
}

func TestCallsAllocateNothing(t *testing.T) {
	ctx := context.Background()
	bare := &still{}
	store := kv.Wrap(instrumentstest.New(t).Registry, instruments.StoreBackend, bare)
	if n := testing.AllocsPerRun(100, func() {
		_, _ = store.Get(ctx, "k")
		_, _ = store.Range(ctx, "k", "l", 0)
		_ = store.Put(ctx, kv.Item{Key: "k"})
		_ = store.Delete(ctx, "k")
		_ = store.DeleteRange(ctx, "k", "l")
		_ = store.Txn(ctx, kv.Txn{})
	}); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

// still is a store that does nothing.
type still struct{}

func (*still) Get(context.Context, string) (kv.Item, error)                  { return kv.Item{}, nil }
func (*still) Range(context.Context, string, string, int) ([]kv.Item, error) { return nil, nil }
func (*still) Put(context.Context, kv.Item) error                            { return nil }
func (*still) Delete(context.Context, string) error                          { return nil }
func (*still) DeleteRange(context.Context, string, string) error             { return nil }
func (*still) Txn(context.Context, kv.Txn) error                             { return nil }

// What the wrapper adds to a call, beside that of a map with a lock.
func BenchmarkGet(b *testing.B) {
	ctx := context.Background()
	memory := newMemory(kv.Item{Key: "k"})
	for _, row := range []struct {
		name  string
		store kv.Store
	}{
		{"bare", memory},
		{"measured", kv.Wrap(instrumentstest.New(b).Registry, instruments.StoreCache, memory)},
	} {
		b.Run(row.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = row.store.Get(ctx, "k")
			}
		})
	}
}
