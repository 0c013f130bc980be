package etcd

import (
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/telltale-agent/telltale/instruments"
)

// The methods that are measured, as gRPC names them.
const (
	methodRange       = "/etcdserverpb.KV/Range"
	methodPut         = "/etcdserverpb.KV/Put"
	methodDeleteRange = "/etcdserverpb.KV/DeleteRange"
	methodTxn         = "/etcdserverpb.KV/Txn"
	methodWatch       = "/etcdserverpb.Watch/Watch"
)

// UnaryInterceptor counts and times reads, writes and transactions. Every other
// method passes untouched. It is safe for concurrent use and allocates nothing;
// gRPC does for every interceptor in a chain, once for each request.
//
// Give it to grpc.WithChainUnaryInterceptor, as [DialOptions] does. With
// grpc.WithUnaryInterceptor it would take the place of the client's own.
func UnaryInterceptor(reg *instruments.Registry) grpc.UnaryClientInterceptor {
	requests := newRequests(reg)
	return func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		if m := requests.meter(method, req); m != nil {
			defer m.end(time.Now())
		}
		return invoke(ctx, method, req, reply, cc, opts...)
	}
}

// requests are the meters of the four kinds of requests.
type requests struct {
	reads, batchReads, writes, transactions meter
}

func newRequests(reg *instruments.Registry) *requests {
	return &requests{
		reads:        meter{instruments.EtcdReads.In(reg), instruments.EtcdReadSeconds.In(reg)},
		batchReads:   meter{instruments.EtcdBatchReads.In(reg), instruments.EtcdBatchReadSeconds.In(reg)},
		writes:       meter{instruments.EtcdWrites.In(reg), instruments.EtcdWriteSeconds.In(reg)},
		transactions: meter{instruments.EtcdTransactions.In(reg), instruments.EtcdTransactionSeconds.In(reg)},
	}
}

// meter finds the meter of a request; nil for what is not measured.
func (r *requests) meter(method string, req any) *meter {
	switch method {
	case methodRange:
		if hasRangeEnd(req) {
			return &r.batchReads
		}
		return &r.reads
	case methodPut, methodDeleteRange:
		return &r.writes
	case methodTxn:
		return &r.transactions
	}
	return nil
}

// meter counts and times requests of one kind.
type meter struct {
	count   *instruments.CounterCell
	seconds *instruments.HistogramCell
}

// end is deferred, so that it sees every way in which a request can end.
func (m *meter) end(start time.Time) {
	m.count.Inc()
	m.seconds.Record(time.Since(start).Seconds())
}

// hasRangeEnd tells a read of a range from that of one key. A request that does
// not say is taken for that of one key.
func hasRangeEnd(req any) bool {
	switch req := req.(type) {
	case interface{ GetRangeEnd() []byte }:
		return len(req.GetRangeEnd()) > 0
	case proto.Message:
		m := req.ProtoReflect()
		end := m.Descriptor().Fields().ByName("range_end")
		return end != nil && end.Kind() == protoreflect.BytesKind && !end.IsList() && len(m.Get(end).Bytes()) > 0
	}
	return false
}
