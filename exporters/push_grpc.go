package exporters

import (
	"context"
	"crypto/tls"
	"net/url"
	"strings"

	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	collectorpb "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/status"
)

// dialGRPC makes the connection itself, so that closing it is in our hands,
// and passes every option for the same reason as dialHTTP.
func dialGRPC(t Target, u *url.URL, tlsConfig *tls.Config) (*wire, error) {
	creds := insecure.NewCredentials()
	if tlsConfig != nil {
		creds = credentials.NewTLS(tlsConfig.Clone())
	}
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(creds),
		grpc.WithUnaryInterceptor(noteAnswer),
		grpc.WithUserAgent("telltale"),
		grpc.WithDisableServiceConfig(), // what a name server says must not bring retries
	}
	if t.Compression == CompressionGzip {
		options = append(options, grpc.WithDefaultCallOptions(grpc.UseCompressor(gzip.Name)))
	}
	conn, err := grpc.NewClient(grpcAddress(u), options...)
	if err != nil {
		return nil, err
	}
	exporter, err := otlpmetricgrpc.New(context.Background(),
		otlpmetricgrpc.WithGRPCConn(conn),
		otlpmetricgrpc.WithHeaders(t.Headers),
		otlpmetricgrpc.WithTimeout(t.Timeout),
		otlpmetricgrpc.WithRetry(otlpmetricgrpc.RetryConfig{Enabled: false}),
	)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return &wire{export: exporter.Export, close: func() { _ = conn.Close() }}, nil
}

// grpcAddress says that the host is to be looked up, in gRPC's own spelling.
// Without that a host called unix or dns would be taken for a scheme.
func grpcAddress(u *url.URL) string {
	return "dns:///" + strings.ReplaceAll(u.Host, "%", "%25") // the zone of an address
}

// noteAnswer notes answers in the answer of the call's context.
func noteAnswer(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn,
	invoke grpc.UnaryInvoker, opts ...grpc.CallOption,
) error {
	err := invoke(ctx, method, req, reply, cc, opts...)
	a := answerFrom(ctx)
	st := status.Convert(err)
	*a = answer{given: true, grpcCode: st.Code()}
	if msg, ok := reply.(*collectorpb.ExportMetricsServiceResponse); ok && err == nil {
		a.notePartialSuccess(msg)
	}
	for _, detail := range st.Details() {
		if info, ok := detail.(*errdetails.RetryInfo); ok {
			a.retryAfter = max(0, info.GetRetryDelay().AsDuration())
		}
	}
	return err
}
