package kv_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/telltale-agent/telltale/instruments"
	"github.com/telltale-agent/telltale/instruments/kv"
)

// A store and the cache in front of it are wrapped one by one, each under its
// own component.
func ExampleWrap() {
	var registry *instruments.Registry // agent.Instruments()
	backend := kv.Wrap(registry, instruments.StoreBackend, newMemory(kv.Item{Key: "/users/alice", Value: []byte("admin")}))
	cache := kv.Wrap(registry, instruments.StoreCache, through{newMemory(), backend})

	ctx := context.Background()
	for range 2 { // read by the cache and the backend, then by the cache alone
		alice, err := cache.Get(ctx, "/users/alice")
		fmt.Println(string(alice.Value), err)
	}
	_, err := cache.Get(ctx, "/users/bob")
	fmt.Println(errors.Is(err, kv.ErrNotFound))
	// Output:
	// admin <nil>
	// admin <nil>
	// true
}
