package exporters

import (
	"crypto/tls"
	"testing"
	"time"
)

func TestPushTLS(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	ours, theirs := newAuthority(t, dir), newAuthority(t, elsewhere)
	server, client := ours.issue(t, "server", time.Hour), ours.issue(t, "client", time.Hour)
	expired := ours.issue(t, "expired", -time.Hour)
	stranger := theirs.issue(t, "stranger", time.Hour)
	rows := []struct {
		name   string
		config *tls.Config
		target Target
		works  bool
		// In TLS 1.3 a client is done before the server has looked at its
		// certificate, and may find the connection closed before it reads why.
		late bool
	}{
		{"TLS", ours.server(t, server, false), Target{CAFile: ours.file}, true, false},
		{"TLS, certificate nobody asks for", ours.server(t, server, false), Target{CAFile: ours.file, CertFile: client.cert, KeyFile: client.key}, true, false},
		{"mutual TLS", ours.server(t, server, true), Target{CAFile: ours.file, CertFile: client.cert, KeyFile: client.key}, true, false},
		{"no client certificate", ours.server(t, server, true), Target{CAFile: ours.file}, false, true},
		{"stranger's client certificate", ours.server(t, server, true), Target{CAFile: ours.file, CertFile: stranger.cert, KeyFile: stranger.key}, false, true},
		{"authority of the system", ours.server(t, server, false), Target{}, false, false},
		{"other authority", ours.server(t, server, false), Target{CAFile: theirs.file}, false, false},
		{"expired", ours.server(t, expired, false), Target{CAFile: ours.file}, false, false},
	}
	bothProtocols(t, func(t *testing.T, protocol string) {
		for _, row := range rows {
			t.Run(row.name, func(t *testing.T) {
				collector := startReceiver(t, protocol, row.config)
				row.target.URL = collector.url()
				r := newRig(t, row.target).withoutRetries()
				r.add(4)
				if row.works {
					r.flushed(t)
					if got := collector.last(t).value(t, "events"); got != 4 {
						t.Errorf("got %v events, want 4", got)
					}
					return
				}
				r.refused(t, "push to "+collector.url())
				if r.log.count("reason=tls") != 1 && !(row.late && r.log.count("reason=unavailable") == 1) {
					t.Errorf("want the reason tls:\n%s", r.log)
				}
				if collector.count() != 0 {
					t.Error("something was delivered")
				}
			})
		}
		t.Run("TLS to a plain port", func(t *testing.T) {
			collector := startReceiver(t, protocol, nil)
			r := newRig(t, Target{URL: protocol + "s://" + collector.address}).withoutRetries()
			r.add(1)
			r.refused(t, "push to")
			if r.log.count("reason=tls") != 1 {
				t.Errorf("want the reason tls:\n%s", r.log)
			}
		})
	})
}

// TestPushIgnoresProcessEnvironment: the exporters read the environment of the
// process on their own; nothing in it changes what a target says.
func TestPushIgnoresProcessEnvironment(t *testing.T) {
	for name, value := range map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT":                              "http://127.0.0.1:1/wrong",
		"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT":                      "https://127.0.0.1:1/wrong",
		"OTEL_EXPORTER_OTLP_HEADERS":                               "x-tenant=wrong",
		"OTEL_EXPORTER_OTLP_COMPRESSION":                           "gzip",
		"OTEL_EXPORTER_OTLP_CERTIFICATE":                           newAuthority(t, t.TempDir()).file,
		"OTEL_EXPORTER_OTLP_INSECURE":                              "false",
		"OTEL_EXPORTER_OTLP_TIMEOUT":                               "1",
		"OTEL_METRIC_EXPORT_INTERVAL":                              "1",
		"OTEL_METRIC_EXPORT_TIMEOUT":                               "1",
		"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE":        "delta",
		"OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION": "base2_exponential_bucket_histogram",
	} {
		t.Setenv(name, value)
	}
	bothProtocols(t, func(t *testing.T, protocol string) {
		collector := startReceiver(t, protocol, nil)
		r := newRig(t, Target{URL: collector.url()})
		for range 2 {
			r.add(1)
			r.flushed(t)
		}
		got := collector.last(t)
		if v := got.value(t, "events"); v != 2 {
			t.Errorf("got %v events, want the total 2", v)
		}
		if got.headers["X-Tenant"] != "" || got.encoding == "gzip" {
			t.Errorf("headers %v, encoding %q", got.headers, got.encoding)
		}
	})
}
