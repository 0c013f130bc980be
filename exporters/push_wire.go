package exporters

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"google.golang.org/grpc/codes"
)

// wire is one connection to a collector, or what will become one with the
// first export. Its exporter tries once: retrying is left to the push, which
// knows how much time there is and what the last failure was.
type wire struct {
	export func(context.Context, *metricdata.ResourceMetrics) error
	close  func()
}

// dialer makes wires. It does not connect and reports only what is wrong with
// the target.
type dialer func() (*wire, error)

// newDialer reads the files of t, which has its defaults filled in.
func newDialer(t Target) (dialer, error) {
	u, err := t.parse()
	if err != nil {
		return nil, &FieldError{Field: "url", Value: t.shown(), Allowed: err.Error()}
	}
	tlsConfig, err := t.tlsConfig()
	if err != nil {
		return nil, err
	}
	if u.Scheme == "grpc" || u.Scheme == "grpcs" {
		return func() (*wire, error) { return dialGRPC(t, u, tlsConfig) }, nil
	}
	return func() (*wire, error) { return dialHTTP(t, u, tlsConfig) }, nil
}

// temporalitySelector is what t asks for.
func (t Target) temporalitySelector() metric.TemporalitySelector {
	switch t.Temporality {
	case TemporalityDelta:
		return metric.DeltaTemporalitySelector
	case TemporalityLowMemory:
		return metric.LowMemoryTemporalitySelector
	}
	return metric.CumulativeTemporalitySelector
}

// answer is what a collector said to one request. The transports fill it in,
// since the exporters' errors tell it only as text.
type answer struct {
	given      bool          // there was an answer at all
	httpStatus int           // HTTP only
	grpcCode   codes.Code    // gRPC only
	retryAfter time.Duration // how long the collector wants to be left alone
	rejected   int64         // points that it did not take although it took the request
	warning    string        // what it said about that
}

// taken reports whether the collector accepted the request.
func (a *answer) taken() bool {
	return a.given && a.grpcCode == codes.OK &&
		(a.httpStatus == 0 || a.httpStatus >= http.StatusOK && a.httpStatus < http.StatusMultipleChoices)
}

type answerKey struct{}

// withAnswer returns a context under which transports note what they hear.
func withAnswer(ctx context.Context, a *answer) context.Context {
	return context.WithValue(ctx, answerKey{}, a)
}

func answerFrom(ctx context.Context) *answer {
	if a, ok := ctx.Value(answerKey{}).(*answer); ok {
		return a
	}
	return new(answer)
}

// recovered runs fn and turns a panic into an error.
func recovered(what string, fn func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &panicError{what: what, value: v}
		}
	}()
	return fn()
}

type panicError struct {
	what  string
	value any
}

func (e *panicError) Error() string { return fmt.Sprintf("%s panicked: %v", e.what, e.value) }
