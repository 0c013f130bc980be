package exporters

import (
	"compress/gzip"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
)

// verdict is how a receiver treats a request.
type verdict struct {
	code       codes.Code // for gRPC
	status     int        // for HTTP
	retryAfter time.Duration
	httpDate   bool // Retry-After as a date
	rejected   int64
	message    string
	hang       bool // take the request and never answer
	reset      bool // take the request and break the connection
}

// How a healthy collector and several sick ones answer, in both protocols.
var (
	accept      = verdict{code: codes.OK, status: 200}
	unavailable = verdict{code: codes.Unavailable, status: 503}
	badRequest  = verdict{code: codes.InvalidArgument, status: 400}
	internal    = verdict{code: codes.Internal, status: 500}
	throttle    = verdict{code: codes.ResourceExhausted, status: 429}
	hang        = verdict{hang: true}
	reset       = verdict{reset: true}
)

// delivery is one request that arrived whole.
type delivery struct {
	request  *collectorpb.ExportMetricsServiceRequest
	headers  map[string]string
	path     string
	encoding string
}

// receiver is an OTLP collector in the process, over real sockets.
type receiver struct {
	protocol string // "http" or "grpc"
	tls      *tls.Config
	address  string

	mu         sync.Mutex // guards the fields below
	treat      verdict
	deliveries []delivery
	arrived    chan struct{} // closed and replaced at each delivery
	conns      map[net.Conn]bool
	closing    chan struct{}
	stop       func()
}

// startReceiver serves on a free port until the test ends.
func startReceiver(t *testing.T, protocol string, config *tls.Config) *receiver {
	t.Helper()
	r := &receiver{protocol: protocol, tls: config, treat: accept, arrived: make(chan struct{}), address: "127.0.0.1:0"}
	r.start(t)
	t.Cleanup(r.shut)
	return r
}

// start serves, again after shut on the same port.
func (r *receiver) start(t *testing.T) {
	t.Helper()
	listener, err := net.Listen("tcp", r.address)
	if err != nil {
		t.Fatal(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.address = listener.Addr().String()
	r.conns = map[net.Conn]bool{}
	r.closing = make(chan struct{})
	tracked := &trackedListener{listener, r}
	if r.protocol == "grpc" {
		r.stop = r.serveGRPC(tracked)
	} else {
		r.stop = r.serveHTTP(tracked)
	}
}

func (r *receiver) shut() {
	r.mu.Lock()
	stop := r.stop
	r.stop = nil
	if stop != nil {
		close(r.closing)
	}
	r.mu.Unlock()
	if stop != nil {
		stop()
	}
}

func (r *receiver) url() string {
	scheme := r.protocol
	if r.tls != nil {
		scheme += "s"
	}
	return scheme + "://" + r.address
}

func (r *receiver) set(v verdict) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.treat = v
}

func (r *receiver) take(d delivery) verdict {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.deliveries = append(r.deliveries, d)
	close(r.arrived)
	r.arrived = make(chan struct{})
	return r.treat
}

func (r *receiver) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.deliveries)
}

// await returns when at least n requests have arrived in all.
func (r *receiver) await(t *testing.T, n int) {
	t.Helper()
	for {
		r.mu.Lock()
		have, arrived := len(r.deliveries), r.arrived
		r.mu.Unlock()
		if have >= n {
			return
		}
		select {
		case <-arrived:
		case <-t.Context().Done():
			t.Fatalf("%d requests arrived, want %d", have, n)
		}
	}
}

func (r *receiver) last(t *testing.T) delivery {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.deliveries) == 0 {
		t.Fatal("nothing was delivered")
	}
	return r.deliveries[len(r.deliveries)-1]
}

// resetConns breaks all connections as a crash of the host would.
func (r *receiver) resetConns() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for conn := range r.conns {
		_ = conn.(*net.TCPConn).SetLinger(0)
		_ = conn.Close()
	}
	clear(r.conns)
}

type trackedListener struct {
	net.Listener
	r *receiver
}

func (l *trackedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		l.r.mu.Lock()
		l.r.conns[conn] = true
		l.r.mu.Unlock()
	}
	return conn, err
}

func (r *receiver) serveHTTP(l net.Listener) (stop func()) {
	if r.tls != nil {
		l = tls.NewListener(l, r.tls)
	}
	closing := r.closing
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		r.handleHTTP(w, q, closing)
	}), ErrorLog: quietLog()}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l)
	}()
	return func() {
		_ = server.Close()
		<-done
	}
}

func (r *receiver) handleHTTP(w http.ResponseWriter, q *http.Request, closing <-chan struct{}) {
	body := io.Reader(q.Body)
	if q.Header.Get("Content-Encoding") == "gzip" {
		unzipped, err := gzip.NewReader(q.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		body = unzipped
	}
	data, err := io.ReadAll(body)
	request := new(collectorpb.ExportMetricsServiceRequest)
	if err != nil || proto.Unmarshal(data, request) != nil {
		http.Error(w, "not a request", http.StatusBadRequest)
		return
	}
	headers := map[string]string{}
	for name := range q.Header {
		headers[http.CanonicalHeaderKey(name)] = q.Header.Get(name)
	}
	v := r.take(delivery{request: request, headers: headers, path: q.URL.Path, encoding: q.Header.Get("Content-Encoding")})
	switch {
	case v.hang:
		select {
		case <-q.Context().Done():
		case <-closing:
		}
		return
	case v.reset:
		r.resetConns()
		return
	}
	if v.retryAfter > 0 {
		after := strconv.Itoa(int(v.retryAfter / time.Second))
		if v.httpDate {
			after = time.Now().Add(v.retryAfter).UTC().Format(http.TimeFormat)
		}
		w.Header().Set("Retry-After", after)
	}
	if v.status != http.StatusOK {
		http.Error(w, v.message, v.status)
		return
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
	out, _ := proto.Marshal(response(v))
	_, _ = w.Write(out)
}

func response(v verdict) *collectorpb.ExportMetricsServiceResponse {
	out := new(collectorpb.ExportMetricsServiceResponse)
	if v.rejected != 0 || v.message != "" {
		out.PartialSuccess = &collectorpb.ExportMetricsPartialSuccess{RejectedDataPoints: v.rejected, ErrorMessage: v.message}
	}
	return out
}

func (r *receiver) serveGRPC(l net.Listener) (stop func()) {
	var options []grpc.ServerOption
	if r.tls != nil {
		options = append(options, grpc.Creds(credentials.NewTLS(r.tls)))
	}
	server := grpc.NewServer(options...)
	collectorpb.RegisterMetricsServiceServer(server, &grpcReceiver{r: r, closing: r.closing})
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l)
	}()
	return func() {
		server.Stop()
		<-done
	}
}

type grpcReceiver struct {
	collectorpb.UnimplementedMetricsServiceServer
	r       *receiver
	closing <-chan struct{}
}

func (g *grpcReceiver) Export(ctx context.Context, q *collectorpb.ExportMetricsServiceRequest) (*collectorpb.ExportMetricsServiceResponse, error) {
	headers := map[string]string{}
	md, _ := metadata.FromIncomingContext(ctx)
	for name, values := range md {
		headers[http.CanonicalHeaderKey(name)] = values[0]
	}
	v := g.r.take(delivery{request: q, headers: headers, encoding: headers["Grpc-Encoding"]})
	switch {
	case v.hang:
		select {
		case <-ctx.Done():
		case <-g.closing:
		}
		return nil, status.Error(codes.Canceled, "hung")
	case v.reset:
		g.r.resetConns()
		return nil, status.Error(codes.Unknown, "reset")
	case v.code != codes.OK:
		st := status.New(v.code, v.message)
		if v.retryAfter > 0 {
			st, _ = st.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(v.retryAfter)})
		}
		return nil, st.Err()
	}
	return response(v), nil
}

// find returns the metric of that name in the request, or nil.
func (d delivery) find(name string) *metricspb.Metric {
	for _, rm := range d.request.GetResourceMetrics() {
		for _, sm := range rm.GetScopeMetrics() {
			for _, m := range sm.GetMetrics() {
				if m.GetName() == name {
					return m
				}
			}
		}
	}
	return nil
}

// value returns the sum of the points of a counter or gauge.
func (d delivery) value(t *testing.T, name string) float64 {
	t.Helper()
	m := d.find(name)
	if m == nil {
		t.Fatalf("%s was not delivered", name)
	}
	total := 0.0
	for _, p := range append(m.GetSum().GetDataPoints(), m.GetGauge().GetDataPoints()...) {
		total += p.GetAsDouble() + float64(p.GetAsInt())
	}
	return total
}
