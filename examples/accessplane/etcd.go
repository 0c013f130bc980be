package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"

	"github.com/telltale-agent/telltale/instruments"
	"github.com/telltale-agent/telltale/instruments/etcd"
	"github.com/telltale-agent/telltale/instruments/kv"
)

// keyPrefix is that of every key of the plane; a kind and a name follow.
const keyPrefix = "/plane/"

// kinds are the kinds of resources. Each is a value of the label resource of
// watcher_events, which is why there is a fixed list of them.
var kinds = []string{"users", "nodes", "clusters"}

// startEtcd runs the etcd that a plane would find elsewhere.
func startEtcd(ctx context.Context, dir string) (*embed.Etcd, error) {
	any := url.URL{Scheme: "http", Host: "127.0.0.1:0"}
	cfg := embed.NewConfig()
	cfg.Dir = dir
	cfg.LogLevel = "fatal"
	cfg.UnsafeNoFsync = true // the data is thrown away anyway
	cfg.ListenClientUrls, cfg.AdvertiseClientUrls = []url.URL{any}, []url.URL{any}
	cfg.ListenPeerUrls, cfg.AdvertisePeerUrls = []url.URL{any}, []url.URL{any}
	cfg.InitialCluster = cfg.InitialClusterFromName(cfg.Name)
	server, err := embed.StartEtcd(cfg)
	if err != nil {
		return nil, fmt.Errorf("start etcd: %w", err)
	}
	select {
	case <-server.Server.ReadyNotify():
		return server, nil
	case err = <-server.Err():
	case <-ctx.Done():
		err = ctx.Err()
	}
	server.Close()
	return nil, fmt.Errorf("start etcd: %w", err)
}

// newEtcdClient is a client as any other, but for one line: the dial options
// that count and time its requests and the events of its watches.
func newEtcdClient(reg *instruments.Registry, addr string) (*clientv3.Client, error) {
	resources := make(map[string]string)
	for _, kind := range kinds {
		resources[keyPrefix+kind+"/"] = kind
	}
	return clientv3.New(clientv3.Config{
		Endpoints:   []string{addr},
		DialTimeout: 5 * time.Second,
		DialOptions: etcd.DialOptions(reg, etcd.WatchOptions{Resource: etcd.ByPrefix(resources)}),
	})
}

// etcdStore is the backend: items in etcd, by the small interface that package
// kv measures.
type etcdStore struct{ client *clientv3.Client }

// record is what etcd holds for an item.
type record struct {
	Value   []byte    `json:"value"`
	Expires time.Time `json:"expires,omitzero"`
}

func encode(item kv.Item) string {
	text, err := json.Marshal(record{item.Value, item.Expires})
	if err != nil {
		panic(err) // bytes and a time can be encoded
	}
	return string(text)
}

func decode(key, value []byte, revision int64) (kv.Item, error) {
	var r record
	if err := json.Unmarshal(value, &r); err != nil {
		return kv.Item{}, fmt.Errorf("read %s: %w", key, err)
	}
	return kv.Item{Key: strings.TrimPrefix(string(key), keyPrefix), Value: r.Value, Expires: r.Expires, Revision: revision}, nil
}

func (s etcdStore) Get(ctx context.Context, key string) (kv.Item, error) {
	found, err := s.client.Get(ctx, keyPrefix+key)
	if err != nil {
		return kv.Item{}, err
	}
	if len(found.Kvs) == 0 {
		return kv.Item{}, fmt.Errorf("%s: %w", key, kv.ErrNotFound)
	}
	item, err := decode(found.Kvs[0].Key, found.Kvs[0].Value, found.Kvs[0].ModRevision)
	if err == nil && expired(item) {
		err = fmt.Errorf("%s has expired: %w", key, kv.ErrNotFound)
	}
	return item, err
}

func (s etcdStore) Range(ctx context.Context, start, end string, limit int) ([]kv.Item, error) {
	found, err := s.client.Get(ctx, keyPrefix+start, clientv3.WithRange(rangeEnd(end)), clientv3.WithLimit(int64(limit)))
	if err != nil {
		return nil, err
	}
	var items []kv.Item
	for _, at := range found.Kvs {
		item, err := decode(at.Key, at.Value, at.ModRevision)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, nil
}

// rangeEnd is the key up to which a range goes: that of the plane's last if
// none is given.
func rangeEnd(end string) string {
	if end == "" {
		return clientv3.GetPrefixRangeEnd(keyPrefix)
	}
	return keyPrefix + end
}

func (s etcdStore) Put(ctx context.Context, item kv.Item) error {
	_, err := s.client.Put(ctx, keyPrefix+item.Key, encode(item))
	return err
}

func (s etcdStore) Delete(ctx context.Context, key string) error {
	deleted, err := s.client.Delete(ctx, keyPrefix+key)
	if err == nil && deleted.Deleted == 0 {
		err = fmt.Errorf("%s: %w", key, kv.ErrNotFound)
	}
	return err
}

func (s etcdStore) DeleteRange(ctx context.Context, start, end string) error {
	_, err := s.client.Delete(ctx, keyPrefix+start, clientv3.WithRange(rangeEnd(end)))
	return err
}

func (s etcdStore) Txn(ctx context.Context, txn kv.Txn) error {
	var conditions []clientv3.Cmp
	for _, c := range txn.If {
		conditions = append(conditions, clientv3.Compare(clientv3.ModRevision(keyPrefix+c.Key), "=", c.Revision))
	}
	var changes []clientv3.Op
	for _, item := range txn.Put {
		changes = append(changes, clientv3.OpPut(keyPrefix+item.Key, encode(item)))
	}
	for _, key := range txn.Delete {
		changes = append(changes, clientv3.OpDelete(keyPrefix+key))
	}
	done, err := s.client.Txn(ctx).If(conditions...).Then(changes...).Commit()
	if err == nil && !done.Succeeded {
		err = kv.ErrOutdated
	}
	return err
}

// change is what a watch tells: an item, or that there is none any more.
type change struct {
	item    kv.Item
	deleted bool
}

// Watch calls apply with every change from the moment that ready is called on,
// until ctx or the watch ends.
func (s etcdStore) Watch(ctx context.Context, ready func() error, apply func(change)) error {
	ctx, cancel := context.WithCancel(clientv3.WithRequireLeader(ctx))
	defer cancel()
	for answer := range s.client.Watch(ctx, keyPrefix, clientv3.WithPrefix(), clientv3.WithCreatedNotify()) {
		if err := answer.Err(); err != nil {
			return fmt.Errorf("watch %s: %w", keyPrefix, err)
		}
		if answer.Created {
			if err := ready(); err != nil {
				return err
			}
		}
		for _, event := range answer.Events {
			c := change{deleted: event.Type == clientv3.EventTypeDelete}
			var err error
			if c.deleted {
				c.item = kv.Item{Key: strings.TrimPrefix(string(event.Kv.Key), keyPrefix), Revision: event.Kv.ModRevision}
			} else if c.item, err = decode(event.Kv.Key, event.Kv.Value, event.Kv.ModRevision); err != nil {
				return err
			}
			apply(c)
		}
	}
	return errors.Join(ctx.Err(), errors.New("the watch has ended"))
}
