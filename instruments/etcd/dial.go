package etcd

import (
	"google.golang.org/grpc"

	"github.com/telltale-agent/telltale/instruments"
)

// DialOptions returns the interceptors of this package as the official client
// takes them in its configuration. They are added to the chain, after the
// interceptor with which the client repeats requests, and replace nothing.
func DialOptions(reg *instruments.Registry, watch WatchOptions) []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithChainUnaryInterceptor(UnaryInterceptor(reg)),
		grpc.WithChainStreamInterceptor(StreamInterceptor(reg, watch)),
	}
}
