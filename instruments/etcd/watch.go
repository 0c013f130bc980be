package etcd

import (
	"context"

	"google.golang.org/grpc"

	"github.com/telltale-agent/telltale/instruments"
)

// UnknownResource is the resource of events for which there is no other: the
// rule returned "", panicked, or was not given.
const UnknownResource = "unknown"

// WatchOptions says how the events of watches are recorded.
type WatchOptions struct {
	// Resource names the resource that a key belongs to. Few names should come
	// of it: above the registry's series limit, events go to the overflow
	// series. It is called for each event, by the goroutine that receives for
	// the client and by several at once, and must neither change nor keep the
	// key. The key is the server's: a client of package namespace sees it without
	// its prefix, and the rule with it. Without a rule, every event is of
	// [UnknownResource]. [ByPrefix] makes one.
	Resource func(key []byte) string
}

// StreamInterceptor records the events of watches. Every other method passes
// untouched. It is safe for concurrent use; how it is handed to gRPC is said at
// [UnaryInterceptor].
func StreamInterceptor(reg *instruments.Registry, options WatchOptions) grpc.StreamClientInterceptor {
	recorder := &recorder{
		sizes:     instruments.WatcherEventSizes.In(reg),
		resources: instruments.WatcherEvents.In(reg),
		rule:      options.Resource,
	}
	return func(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
		stream, err := open(ctx, desc, cc, method, opts...)
		if err != nil || method != methodWatch {
			return stream, err
		}
		return &watchStream{ClientStream: stream, recorder: recorder}, nil
	}
}

// watchStream records what a stream of the Watch method receives. One such
// stream carries many watches.
type watchStream struct {
	grpc.ClientStream
	recorder *recorder
	reader   eventReader // of the messages seen last; RecvMsg has one caller at a time
}

func (s *watchStream) RecvMsg(m any) error {
	err := s.ClientStream.RecvMsg(m)
	if err == nil {
		s.reader.each(m, s.recorder)
	}
	return err
}

// recorder records events.
type recorder struct {
	sizes     *instruments.HistogramCell
	resources *instruments.HistogramCells[instruments.Watched]
	rule      func(key []byte) string
}

func (r *recorder) event(key []byte, size int) {
	r.sizes.Record(float64(size))
	r.resources.Record(float64(size), instruments.Watched{Resource: r.resource(key)})
}

// resource asks the rule. Its panic must not end the client's goroutine, and
// with it the process: it stands in for a missing name.
func (r *recorder) resource(key []byte) (name string) {
	defer func() {
		if name == "" {
			_ = recover()
			name = UnknownResource
		}
	}()
	if r.rule == nil {
		return ""
	}
	return r.rule(key)
}
