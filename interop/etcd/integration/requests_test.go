package integration

import (
	"context"
	"errors"
	"strings"
	"testing"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// each is a call of the official client, with what it must leave behind.
type each struct {
	name string
	call func(ctx context.Context, c *clientv3.Client) error
	err  error // nil: success
	want map[string]float64
}

func get(key string, options ...clientv3.OpOption) func(context.Context, *clientv3.Client) error {
	return func(ctx context.Context, c *clientv3.Client) error {
		_, err := c.Get(ctx, key, options...)
		return err
	}
}

func put(key, value string, options ...clientv3.OpOption) func(context.Context, *clientv3.Client) error {
	return func(ctx context.Context, c *clientv3.Client) error {
		_, err := c.Put(ctx, key, value, options...)
		return err
	}
}

func remove(key string, options ...clientv3.OpOption) func(context.Context, *clientv3.Client) error {
	return func(ctx context.Context, c *clientv3.Client) error {
		_, err := c.Delete(ctx, key, options...)
		return err
	}
}

// txn commits operations if key was never written; both results are a success of the request.
func txn(key string, ops ...clientv3.Op) func(context.Context, *clientv3.Client) error {
	return func(ctx context.Context, c *clientv3.Client) error {
		_, err := c.Txn(ctx).If(clientv3.Compare(clientv3.Version(key), "=", 0)).Then(ops...).Commit()
		return err
	}
}

func TestEachRequestCountsOnce(t *testing.T) {
	server := startServer(t)
	writer := connect(t, server)
	must[*clientv3.PutResponse](t)(writer.Put(patient(t), "there", "1"))
	revision := must[*clientv3.PutResponse](t)(writer.Put(patient(t), "there", "2")).Header.Revision
	must[*clientv3.CompactResponse](t)(writer.Compact(patient(t), revision))
	compare(t, writer.counts(t), requests("write", 2))

	nothing := map[string]float64{}
	for _, row := range []each{
		{"read", get("there"), nil, requests("read", 1)},
		{"read of a missing key", get("not there"), nil, requests("read", 1)},
		{"read of keys alone", get("there", clientv3.WithKeysOnly()), nil, requests("read", 1)},
		{"serializable read", get("there", clientv3.WithSerializable()), nil, requests("read", 1)},
		{"read of a range", get("a", clientv3.WithRange("z")), nil, requests("batch_read", 1)},
		{"read of a prefix", get("th", clientv3.WithPrefix()), nil, requests("batch_read", 1)},
		{"read from a key on", get("th", clientv3.WithFromKey()), nil, requests("batch_read", 1)},
		{"read of all", get("", clientv3.WithPrefix()), nil, requests("batch_read", 1)},
		{"count of a prefix", get("th", clientv3.WithPrefix(), clientv3.WithCountOnly()), nil, requests("batch_read", 1)},
		{"write", put("new", "1"), nil, requests("write", 1)},
		{"write with the value before", put("new", "2", clientv3.WithPrevKV()), nil, requests("write", 1)},
		{"delete", remove("new"), nil, requests("write", 1)},
		{"delete of a missing key", remove("new"), nil, requests("write", 1)},
		{"delete of a prefix", remove("new", clientv3.WithPrefix()), nil, requests("write", 1)},
		{"transaction", txn("free", clientv3.OpPut("free", "1"), clientv3.OpGet("there"), clientv3.OpDelete("new")), nil, requests("tx", 1)},
		{"transaction not made", txn("there", clientv3.OpPut("there", "3")), nil, requests("tx", 1)},
		{"compaction", func(ctx context.Context, c *clientv3.Client) error {
			_, err := c.Compact(ctx, revision)
			return err
		}, rpctypes.ErrCompacted, nothing},
		{"lease", func(ctx context.Context, c *clientv3.Client) error {
			lease, err := c.Grant(ctx, 60)
			if err != nil {
				return err
			}
			_, err = c.Revoke(ctx, lease.ID)
			return err
		}, nil, nothing},
		{"members", func(ctx context.Context, c *clientv3.Client) error {
			_, err := c.MemberList(ctx)
			return err
		}, nil, nothing},

		{"compacted read", get("there", clientv3.WithRev(revision-1)), rpctypes.ErrCompacted, requests("read", 1)},
		{"compacted read of a prefix", get("th", clientv3.WithPrefix(), clientv3.WithRev(revision-1)), rpctypes.ErrCompacted, requests("batch_read", 1)},
		{"read of the future", get("there", clientv3.WithRev(revision+1000)), rpctypes.ErrFutureRev, requests("read", 1)},
		{"write without a key", put("", "1"), rpctypes.ErrEmptyKey, requests("write", 1)},
		{"write with an unknown lease", put("there", "1", clientv3.WithLease(1)), rpctypes.ErrLeaseNotFound, requests("write", 1)},
		{"write above the limit", put("there", strings.Repeat("x", 1<<20+1<<19)), rpctypes.ErrRequestTooLarge, requests("write", 1)},
		{"delete without a key", remove(""), rpctypes.ErrEmptyKey, requests("write", 1)},
		{"transaction with a key twice", txn("free2", clientv3.OpPut("a", "1"), clientv3.OpPut("a", "2")), rpctypes.ErrDuplicateKey, requests("tx", 1)},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := connect(t, server)
			if err := row.call(patient(t), r.Client); !errors.Is(err, row.err) {
				t.Errorf("got %v, want %v", err, row.err)
			}
			compare(t, r.counts(t), row.want)
		})
	}
}

func TestRequestsThatAreGivenUp(t *testing.T) {
	server := startServer(t)
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	for _, row := range []each{
		{"read", get("k"), context.Canceled, requests("read", 1)},
		{"read of a prefix", get("k", clientv3.WithPrefix()), context.Canceled, requests("batch_read", 1)},
		{"write", put("k", "1"), context.Canceled, requests("write", 1)},
		{"delete", remove("k"), context.Canceled, requests("write", 1)},
		{"transaction", txn("k", clientv3.OpPut("k", "1")), context.Canceled, requests("tx", 1)},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := connect(t, server)
			if err := row.call(cancelled, r.Client); !errors.Is(err, row.err) {
				t.Errorf("got %v, want %v", err, row.err)
			}
			compare(t, r.counts(t), row.want)
		})
	}
}

func TestRequestsWithoutPermission(t *testing.T) {
	server := startServer(t)
	ctx, root := patient(t), connect(t, server)
	must[*clientv3.AuthUserAddResponse](t)(root.UserAdd(ctx, "root", "secret"))
	must[*clientv3.AuthUserGrantRoleResponse](t)(root.UserGrantRole(ctx, "root", "root"))
	must[*clientv3.AuthRoleAddResponse](t)(root.RoleAdd(ctx, "reader"))
	must[*clientv3.AuthRoleGrantPermissionResponse](t)(root.RoleGrantPermission(ctx, "reader", "open", "", clientv3.PermissionType(clientv3.PermRead)))
	must[*clientv3.AuthUserAddResponse](t)(root.UserAdd(ctx, "guest", "secret"))
	must[*clientv3.AuthUserGrantRoleResponse](t)(root.UserGrantRole(ctx, "guest", "reader"))
	must[*clientv3.AuthEnableResponse](t)(root.AuthEnable(ctx))
	compare(t, root.counts(t), map[string]float64{})

	guest := connect(t, server, func(cfg *clientv3.Config) { cfg.Username, cfg.Password = "guest", "secret" })
	for _, row := range []each{
		{"read", get("open"), nil, requests("read", 1)},
		{"read elsewhere", get("closed"), rpctypes.ErrPermissionDenied, requests("read", 1)},
		{"read of a prefix", get("open", clientv3.WithPrefix()), rpctypes.ErrPermissionDenied, requests("batch_read", 1)},
		{"write", put("open", "1"), rpctypes.ErrPermissionDenied, requests("write", 1)},
		{"delete", remove("open"), rpctypes.ErrPermissionDenied, requests("write", 1)},
		{"transaction", txn("open", clientv3.OpPut("open", "1")), rpctypes.ErrPermissionDenied, requests("tx", 1)},
	} {
		if err := row.call(ctx, guest.Client); !errors.Is(err, row.err) {
			t.Errorf("%s: got %v, want %v", row.name, err, row.err)
		}
	}
	compare(t, guest.counts(t), together(requests("read", 2), requests("batch_read", 1), requests("write", 2), requests("tx", 1)))
}
