package main

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/telltale-agent/telltale/instruments"
	"github.com/telltale-agent/telltale/instruments/cache"
	"github.com/telltale-agent/telltale/instruments/kv"
)

// resourceCache answers reads from memory, which a watch of etcd keeps up to
// date. It is a store like the one behind it: writes pass through, and so does
// the search for a key that it does not have (yet).
type resourceCache struct {
	kv.Store // the backend
	watch    func(ctx context.Context, ready func() error, apply func(change)) error
	events   *cache.Observer
	changed  func(key string, exists bool) // told of each change that is applied
	logger   *slog.Logger

	mu    sync.RWMutex // guards items
	items map[string]kv.Item
}

func newCache(reg *instruments.Registry, backend kv.Store, etcd etcdStore, changed func(string, bool), logger *slog.Logger) *resourceCache {
	return &resourceCache{
		Store:   backend,
		watch:   etcd.Watch,
		events:  cache.New(reg, "resources"),
		changed: changed,
		logger:  logger,
		items:   make(map[string]kv.Item),
	}
}

// Run keeps the cache up to date until ctx ends. It calls loaded when the
// cache has been filled for the first time.
func (c *resourceCache) Run(ctx context.Context, loaded func()) {
	once := sync.OnceFunc(loaded)
	for {
		err := c.watch(ctx, func() error {
			// What changes from here on comes as an event, so that nothing is missed.
			if err := c.load(ctx); err != nil {
				return err
			}
			once()
			return nil
		}, c.receive)
		if ctx.Err() != nil {
			return
		}
		c.logger.Warn("cache starts anew", "err", err)
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

func (c *resourceCache) load(ctx context.Context) error {
	items, err := c.Store.Range(ctx, "", "", 0)
	if err != nil {
		return fmt.Errorf("fill the cache: %w", err)
	}
	c.mu.Lock()
	clear(c.items)
	c.mu.Unlock()
	for _, item := range items {
		c.apply(change{item: item})
	}
	return nil
}

// receive counts an event and applies it.
func (c *resourceCache) receive(event change) {
	c.events.Event(event.item.Expires)
	c.apply(event)
}

func (c *resourceCache) apply(event change) {
	key := event.item.Key
	gone := event.deleted || expired(event.item)
	c.mu.Lock()
	if known, ok := c.items[key]; ok && known.Revision > event.item.Revision {
		c.mu.Unlock()
		return // loaded after the event had happened
	}
	if gone {
		delete(c.items, key)
	} else {
		c.items[key] = event.item
	}
	c.mu.Unlock()
	c.changed(key, !gone)
}

func expired(item kv.Item) bool {
	return !item.Expires.IsZero() && !item.Expires.After(time.Now())
}

// Get answers from memory, and asks the backend for what is not there.
func (c *resourceCache) Get(ctx context.Context, key string) (kv.Item, error) {
	c.mu.RLock()
	item, ok := c.items[key]
	c.mu.RUnlock()
	if ok && !expired(item) {
		return item, nil
	}
	return c.Store.Get(ctx, key)
}

// Range answers from memory alone.
func (c *resourceCache) Range(_ context.Context, start, end string, limit int) ([]kv.Item, error) {
	var items []kv.Item
	c.mu.RLock()
	for key, item := range c.items {
		if key >= start && (end == "" || key < end) && !expired(item) {
			items = append(items, item)
		}
	}
	c.mu.RUnlock()
	slices.SortFunc(items, func(a, b kv.Item) int { return strings.Compare(a.Key, b.Key) })
	if limit > 0 && len(items) > limit {
		items = items[:limit]
	}
	return items, nil
}
