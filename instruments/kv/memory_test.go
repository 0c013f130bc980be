package kv_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/telltale-agent/telltale/instruments/kv"
)

// memory is a store in a map. Its items do not expire.
type memory struct {
	mu       sync.Mutex
	items    map[string]kv.Item // guarded by mu
	revision int64              // guarded by mu
}

func newMemory(items ...kv.Item) *memory {
	m := &memory{items: map[string]kv.Item{}}
	for _, item := range items {
		m.put(item)
	}
	return m
}

func (m *memory) put(item kv.Item) {
	m.revision++
	item.Revision = m.revision
	m.items[item.Key] = item
}

func (m *memory) Get(_ context.Context, key string) (kv.Item, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if item, ok := m.items[key]; ok {
		return item, nil
	}
	return kv.Item{}, fmt.Errorf("get %s: %w", key, kv.ErrNotFound)
}

func (m *memory) Range(_ context.Context, start, end string, limit int) ([]kv.Item, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var items []kv.Item
	for _, key := range slices.Sorted(maps.Keys(m.items)) {
		if key >= start && (end == "" || key < end) && (limit == 0 || len(items) < limit) {
			items = append(items, m.items[key])
		}
	}
	return items, nil
}

func (m *memory) Put(_ context.Context, item kv.Item) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.put(item)
	return nil
}

func (m *memory) Delete(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.items[key]; !ok {
		return fmt.Errorf("delete %s: %w", key, kv.ErrNotFound)
	}
	delete(m.items, key)
	return nil
}

func (m *memory) DeleteRange(_ context.Context, start, end string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.DeleteFunc(m.items, func(key string, _ kv.Item) bool { return key >= start && (end == "" || key < end) })
	return nil
}

func (m *memory) Txn(_ context.Context, txn kv.Txn) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range txn.If {
		if m.items[c.Key].Revision != c.Revision {
			return fmt.Errorf("key %s: %w", c.Key, kv.ErrOutdated)
		}
	}
	for _, key := range txn.Delete {
		delete(m.items, key)
	}
	for _, item := range txn.Put {
		m.put(item)
	}
	return nil
}
