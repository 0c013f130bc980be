package kv

import (
	"context"
	"errors"
	"time"
)

// ErrNotFound is what Get and Delete of a [Store] return, possibly wrapped, for
// a key that is not there.
var ErrNotFound = errors.New("key not found")

// ErrOutdated is what Txn of a [Store] returns, possibly wrapped, when one of
// the conditions is not met.
var ErrOutdated = errors.New("condition not met")

// Item is a key and what is stored under it.
type Item struct {
	Key      string
	Value    []byte
	Expires  time.Time // when the item ceases to exist; zero means never
	Revision int64     // of the last change, by the store's own count; above zero, and not looked at by Put
}

// Store holds items in the order of their keys. The methods must be safe for
// concurrent use, and observe the end of their context as far as they wait.
type Store interface {
	// Get returns one item, or [ErrNotFound].
	Get(ctx context.Context, key string) (Item, error)

	// Range returns the items from start on, up to but without end, in the order
	// of their keys. An empty end means to the last key. Limit is how many items
	// to return at most; 0 means all.
	Range(ctx context.Context, start, end string, limit int) ([]Item, error)

	// Put stores one item in place of the one with its key, if there is one.
	Put(ctx context.Context, item Item) error

	// Delete removes one item, or returns [ErrNotFound].
	Delete(ctx context.Context, key string) error

	// DeleteRange removes what Range with no limit would return.
	DeleteRange(ctx context.Context, start, end string) error

	// Txn makes all the changes, or none and returns [ErrOutdated].
	Txn(ctx context.Context, txn Txn) error
}

// Txn is a number of changes to different keys that are made as one, provided
// that every condition is met.
type Txn struct {
	If     []Condition
	Put    []Item
	Delete []string // keys; one that is not there is no error
}

// Condition is met while the item of Key is at Revision. Revision 0 means that
// there is no item.
type Condition struct {
	Key      string
	Revision int64
}
