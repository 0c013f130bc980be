package firestore

import (
	"context"
	"time"

	"google.golang.org/grpc"

	"github.com/telltale-agent/telltale/instruments"
)

// DialOptions returns the options of a connection whose requests to Firestore
// are measured. They go along with other interceptors, of which those that are
// given later see the requests after this one. With a nil registry there are none.
func DialOptions(reg *instruments.Registry) []grpc.DialOption {
	if reg == nil {
		return nil
	}
	return []grpc.DialOption{
		grpc.WithChainUnaryInterceptor(UnaryInterceptor(reg)),
		grpc.WithChainStreamInterceptor(StreamInterceptor(reg)),
	}
}

// UnaryInterceptor measures commits, batch writes and pages of lists. Requests,
// responses, errors and panics pass it unchanged. With a nil registry it does
// nothing else. It is safe for concurrent use.
func UnaryInterceptor(reg *instruments.Registry) grpc.UnaryClientInterceptor {
	m := measuresOf(reg)
	return func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		if kind := m.unary(method, req); kind != nil {
			defer kind.record(time.Now())
		}
		return invoke(ctx, method, req, reply, cc, opts...)
	}
}

// StreamInterceptor measures queries and batch gets, each until its last
// document. Messages, errors and panics pass it unchanged. With a nil registry
// it does nothing else. It is safe for concurrent use.
func StreamInterceptor(reg *instruments.Registry) grpc.StreamClientInterceptor {
	m := measuresOf(reg)
	return func(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
		if reg == nil || !isQuery(method) {
			return open(ctx, desc, cc, method, opts...)
		}
		return measured(ctx, &m.reads, func() (grpc.ClientStream, error) {
			return open(ctx, desc, cc, method, opts...)
		})
	}
}

// measures are where requests are counted and timed.
type measures struct{ reads, writes measure }

func measuresOf(reg *instruments.Registry) *measures {
	if reg == nil {
		return nil
	}
	return &measures{
		reads: measure{
			count:   instruments.FirestoreBatchReads.In(reg),
			seconds: instruments.FirestoreBatchReadSeconds.In(reg),
		},
		writes: measure{
			count:   instruments.FirestoreBatchWrites.In(reg),
			seconds: instruments.FirestoreBatchWriteSeconds.In(reg),
		},
	}
}

// unary returns the measure of a request, or nil if it has none.
func (m *measures) unary(method string, req any) *measure {
	switch {
	case m == nil:
		return nil
	case isList(method):
		return &m.reads
	case isWrite(method) && writesSeveral(req):
		return &m.writes
	}
	return nil
}

type measure struct {
	count   *instruments.CounterCell
	seconds *instruments.HistogramCell
}

// record counts and times a request that ends now.
func (m *measure) record(started time.Time) {
	m.count.Inc()
	m.seconds.Record(time.Since(started).Seconds())
}
