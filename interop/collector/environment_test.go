package collector

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/telltale-agent/telltale/interop/internal/harness"
	"github.com/telltale-agent/telltale/interop/internal/otlpserver"
)

// TestEnvironment configures the push by the variables of the OpenTelemetry specification alone: a collector that
// shows a certificate and wants one, a header, compression, the interval and the service's name.
func TestEnvironment(t *testing.T) {
	t.Parallel()
	for protocol, variable := range map[string]string{otlpserver.HTTP: "http/protobuf", otlpserver.GRPC: "grpc"} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			keys := newAuthority(t)
			c := otlpserver.New(t, protocol)
			c.Settings = map[string]any{"tls": map[string]any{
				"cert_file": keys.server.cert, "key_file": keys.server.key, "client_ca_file": keys.ca,
			}}
			c.Start(t)
			harness.StartWithEnv(t, []string{
				"OTEL_EXPORTER_OTLP_ENDPOINT=https://" + c.Addr,
				"OTEL_EXPORTER_OTLP_PROTOCOL=" + variable,
				"OTEL_EXPORTER_OTLP_CERTIFICATE=" + keys.ca,
				"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE=" + keys.client.cert,
				"OTEL_EXPORTER_OTLP_CLIENT_KEY=" + keys.client.key,
				"OTEL_EXPORTER_OTLP_HEADERS=x-tenant=interop%20tests",
				"OTEL_EXPORTER_OTLP_COMPRESSION=gzip",
				"OTEL_METRIC_EXPORT_INTERVAL=300",
				"OTEL_SERVICE_NAME=from-environment",
			})
			checkService(t, c.AwaitPushes(t, 2)[1], "from-environment")
			if got := c.Header("x-tenant"); !slices.Equal(got, []string{"interop tests"}) {
				t.Errorf("header x-tenant is %q", got)
			}
		})
	}
}

// pair is the files of a certificate and its key.
type pair struct{ cert, key string }

// authority is a certificate authority with one server and one client.
type authority struct {
	ca             string // file
	server, client pair
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	dir := t.TempDir()
	ca := &x509.Certificate{
		Subject: pkix.Name{CommonName: "interop authority"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign,
	}
	caKey := newKey(t)
	caFile := filepath.Join(dir, "ca.pem")
	writePEM(t, caFile, "CERTIFICATE", sign(t, ca, ca, caKey, caKey))
	issue := func(name string, usage x509.ExtKeyUsage) pair {
		key := newKey(t)
		cert := &x509.Certificate{
			Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
			KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{usage},
		}
		files := pair{filepath.Join(dir, name+".pem"), filepath.Join(dir, name+"-key.pem")}
		writePEM(t, files.cert, "CERTIFICATE", sign(t, cert, ca, key, caKey))
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		writePEM(t, files.key, "PRIVATE KEY", der)
		return files
	}
	return authority{caFile, issue("server", x509.ExtKeyUsageServerAuth), issue("client", x509.ExtKeyUsageClientAuth)}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// sign makes the certificate of key, issued by the holder of parentKey.
func sign(t *testing.T, cert, parent *x509.Certificate, key, parentKey *ecdsa.PrivateKey) []byte {
	t.Helper()
	cert.SerialNumber = big.NewInt(time.Now().UnixNano())
	cert.NotBefore, cert.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	der, err := x509.CreateCertificate(rand.Reader, cert, parent, &key.PublicKey, parentKey)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func writePEM(t *testing.T, path, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}
