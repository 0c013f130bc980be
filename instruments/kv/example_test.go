package kv_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/telltale-agent/telltale/instruments"
	"github.com/telltale-agent/telltale/instruments/instrumentstest"
	"github.com/telltale-agent/telltale/instruments/kv"
)

// A store and the cache in front of it are wrapped one by one, each under its
// own component.
func ExampleWrap() {
	exit := instrumentstest.Open() // a program has an agent: agent.Instruments()
	defer exit.Close()

	backend := kv.Wrap(exit.Registry, instruments.StoreBackend, newMemory(kv.Item{Key: "/users/alice", Value: []byte("admin")}))
	cache := kv.Wrap(exit.Registry, instruments.StoreCache, through{newMemory(), backend})

	ctx := context.Background()
	for range 2 { // read by the cache and the backend, then by the cache alone
		alice, err := cache.Get(ctx, "/users/alice")
		fmt.Println(string(alice.Value), err)
	}
	_, err := cache.Get(ctx, "/users/bob")
	fmt.Println(errors.Is(err, kv.ErrNotFound))
	fmt.Print(exit.Show("backend_read_requests"))
	// Output:
	// admin <nil>
	// admin <nil>
	// true
	// backend_read_requests_total{backend} 2
	// backend_read_requests_total{cache} 3
}
