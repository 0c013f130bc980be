package probe

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

func newReader(r io.Reader) *bufio.Reader { return bufio.NewReader(r) }

// peer is a gRPC server that can be stopped and started on the same address.
type peer struct {
	address string
	server  *grpc.Server
	health  *health.Server
}

func startPeer(t *testing.T, address string, options ...grpc.ServerOption) *peer {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{address: l.Addr().String(), server: grpc.NewServer(options...), health: health.NewServer()}
	grpc_health_v1.RegisterHealthServer(p.server, p.health)
	go p.server.Serve(l)
	t.Cleanup(p.server.Stop)
	return p
}

func TestGRPCStatus(t *testing.T) {
	p := startPeer(t, "127.0.0.1:0")
	p.health.SetServingStatus("auth", grpc_health_v1.HealthCheckResponse_NOT_SERVING)
	p.health.SetServingStatus("a.b/c", grpc_health_v1.HealthCheckResponse_SERVING)
	for _, row := range []struct{ name, path, want string }{
		{"whole server", "", ""},
		{"whole server with a slash", "/", ""},
		{"service with a slash in its name", "/a.b/c", ""},
		{"not serving", "/auth", "status NOT_SERVING, want SERVING"},
		{"unknown", "/nobody", `does not know the service "nobody"`},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := mustParse(t, "grpc://"+p.address+row.path, settings{})
			err := run(t, c)
			if row.want == "" && err != nil {
				t.Errorf("got %v, want ok", err)
			}
			if row.want != "" {
				wantError(t, err, c.Target(), row.want)
			}
		})
	}
}

func TestGRPCKeepsItsConnectionAndRecovers(t *testing.T) {
	p := startPeer(t, "127.0.0.1:0")
	c := mustParse(t, "grpc://"+p.address, settings{})
	if err := run(t, c); err != nil {
		t.Fatal(err)
	}
	kept := c.(*grpcCheck).link
	if err := run(t, c); err != nil {
		t.Fatal(err)
	}
	if kept == nil || kept != c.(*grpcCheck).link {
		t.Error("the connection is not reused")
	}

	// A restart between two checks goes unnoticed, at once.
	p.server.Stop()
	p = startPeer(t, p.address)
	if err := run(t, c); err != nil {
		t.Errorf("after a restart: %v", err)
	}

	// However often a check failed, the first one after the peer is back is ok: with
	// the back-off of the library this would take seconds, and run has no retry.
	p.server.Stop()
	for range 20 {
		wantError(t, run(t, c), c.Target(), "connection refused")
	}
	startPeer(t, p.address)
	if err := run(t, c); err != nil {
		t.Errorf("after an outage: %v", err)
	}
	c.Close()
	c.Close()
	wantError(t, run(t, c), "closed")
}

func TestGRPCTLS(t *testing.T) {
	source := httptest.NewUnstartedServer(nil)
	source.StartTLS() // for its certificate
	defer source.Close()
	certificate := source.TLS.Certificates[0]
	roots := x509.NewCertPool()
	roots.AddCert(source.Certificate())
	serve := func(version uint16) grpc.ServerOption {
		return grpc.Creds(credentials.NewTLS(&tls.Config{Certificates: []tls.Certificate{certificate}, MaxVersion: version}))
	}
	p := startPeer(t, "127.0.0.1:0", serve(0))
	if err := run(t, mustParse(t, "grpcs://"+p.address, settings{roots: roots})); err != nil {
		t.Errorf("trusted: %v", err)
	}
	wantError(t, run(t, mustParse(t, "grpcs://"+p.address, settings{})), "unknown authority")
	wantError(t, run(t, mustParse(t, "grpc://"+p.address, settings{})), "does not speak gRPC")

	old := startPeer(t, "127.0.0.1:0", serve(tls.VersionTLS11))
	wantError(t, run(t, mustParse(t, "grpcs://"+old.address, settings{roots: roots})), "TLS handshake")

	plain := startPeer(t, "127.0.0.1:0")
	wantError(t, run(t, mustParse(t, "grpcs://"+plain.address, settings{})), "does not speak TLS")
}

// answering is a health service that says what a test wants.
type answering struct {
	grpc_health_v1.UnimplementedHealthServer
	err error
}

func (a answering) Check(context.Context, *grpc_health_v1.HealthCheckRequest) (*grpc_health_v1.HealthCheckResponse, error) {
	return nil, a.err
}

func TestGRPCOtherAnswers(t *testing.T) {
	for _, row := range []struct {
		name string
		err  error
		want string
	}{
		{"denied", status.Error(codes.PermissionDenied, "hunter2\nsecond line"), "code PermissionDenied"},
		{"unavailable by itself", status.Error(codes.Unavailable, "hunter2"), "connection was lost"},
		{"unimplemented", status.Error(codes.Unimplemented, "hunter2"), "does not offer the health service"},
	} {
		t.Run(row.name, func(t *testing.T) {
			l := listen(t)
			server := grpc.NewServer()
			grpc_health_v1.RegisterHealthServer(server, answering{err: row.err})
			go server.Serve(l)
			defer server.Stop()
			wantError(t, run(t, mustParse(t, "grpc://"+l.Addr().String(), settings{})), row.want)
		})
	}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hunter2") }))
	defer web.Close()
	wantError(t, run(t, mustParse(t, "grpc"+strings.TrimPrefix(web.URL, "http"), settings{})), "does not speak gRPC")
}
