package exporters

import (
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// TestDialGRPCHosts: a host is a host, even if gRPC knows a scheme of that name,
// and an address may have a zone.
func TestDialGRPCHosts(t *testing.T) {
	for url, want := range map[string]string{
		"grpc://collector":        "dns:///collector:4317",
		"grpc://dns:1":            "dns:///dns:1",
		"grpc://unix:1":           "dns:///unix:1",
		"grpc://passthrough:1":    "dns:///passthrough:1",
		"grpc://127.0.0.1:1":      "dns:///127.0.0.1:1",
		"grpc://[::1]:1":          "dns:///[::1]:1",
		"grpc://[fe80::1%25lo]:1": "dns:///[fe80::1%lo]:1",
	} {
		u, err := Target{URL: url}.parse()
		if err != nil {
			t.Fatal(err)
		}
		conn, err := grpc.NewClient(grpcAddress(u), grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		if got := conn.CanonicalTarget(); got != want {
			t.Errorf("%s: dials %s, want %s", url, got, want)
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}
}
