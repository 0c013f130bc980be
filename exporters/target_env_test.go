package exporters

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// vars is an environment.
type vars map[string]string

func (v vars) get(name string) string { return v[name] }

func TestTargetsFromEnv(t *testing.T) {
	const (
		base    = "OTEL_EXPORTER_OTLP_"
		metrics = "OTEL_EXPORTER_OTLP_METRICS_"
	)
	dir := t.TempDir()
	ca := newAuthority(t, dir)
	client, other := ca.issue(t, "client", time.Hour), ca.issue(t, "other", time.Hour)
	absent := filepath.Join(dir, "absent")
	http := func(change func(*Target)) []Target {
		target := Target{URL: "http://c:4318/v1/metrics"}
		change(&target)
		return []Target{target}
	}
	rows := []struct {
		name  string
		env   vars
		want  []Target
		fault string // all lines, instead
	}{
		{name: "nothing", env: vars{}},
		{name: "no endpoint", env: vars{base + "HEADERS": "a=b", base + "PROTOCOL": "grpc"}},
		{name: "endpoint", env: vars{base + "ENDPOINT": "http://c:4318"}, want: http(func(*Target) {})},
		{name: "empty is not set", env: vars{base + "ENDPOINT": " http://c:4318 ", metrics + "ENDPOINT": "", base + "TIMEOUT": "", base + "PROTOCOL": ""}, want: http(func(*Target) {})},
		{name: "endpoint with a base path", env: vars{base + "ENDPOINT": "http://c:4318/tenant/"}, want: []Target{{URL: "http://c:4318/tenant/v1/metrics"}}},
		{name: "metrics endpoint as it is", env: vars{metrics + "ENDPOINT": "http://c:4318/x", base + "ENDPOINT": "http://other"}, want: []Target{{URL: "http://c:4318/x", ExactPath: true}}},
		{name: "metrics endpoint without a path", env: vars{metrics + "ENDPOINT": "http://c:4318"}, want: []Target{{URL: "http://c:4318", ExactPath: true}}},
		{name: "several", env: vars{base + "ENDPOINT": "http://c:4318, https://d,"}, want: []Target{{URL: "http://c:4318/v1/metrics"}, {URL: "https://d/v1/metrics"}}},
		{name: "http/protobuf", env: vars{base + "ENDPOINT": "http://c:4318", base + "PROTOCOL": "http/protobuf"}, want: http(func(*Target) {})},
		{name: "grpc", env: vars{base + "ENDPOINT": "http://c:4317", base + "PROTOCOL": "grpc"}, want: []Target{{URL: "grpc://c:4317"}}},
		{name: "grpc with TLS", env: vars{base + "ENDPOINT": "https://c", base + "PROTOCOL": "grpc"}, want: []Target{{URL: "grpcs://c:443"}}},
		{name: "grpc for metrics", env: vars{base + "ENDPOINT": "http://c:4317/", base + "PROTOCOL": "http/protobuf", metrics + "PROTOCOL": "grpc"}, want: []Target{{URL: "grpc://c:4317"}}},
		{name: "grpc without a scheme", env: vars{base + "ENDPOINT": "c:4317", base + "PROTOCOL": "grpc"}, want: []Target{{URL: "grpcs://c:4317"}}},
		{name: "grpc insecure", env: vars{base + "ENDPOINT": "c:4317", base + "PROTOCOL": "grpc", base + "INSECURE": "True"}, want: []Target{{URL: "grpc://c:4317"}}},
		{name: "insecure for metrics", env: vars{base + "ENDPOINT": "c:4317", base + "PROTOCOL": "grpc", base + "INSECURE": "true", metrics + "INSECURE": "false"}, want: []Target{{URL: "grpcs://c:4317"}}},
		{name: "grpc scheme", env: vars{base + "ENDPOINT": "grpc://c"}, want: []Target{{URL: "grpc://c"}}},
		{name: "headers", env: vars{base + "ENDPOINT": "http://c:4318", base + "HEADERS": "authorization=Bearer%20abc, x = 1+1 ,,X-Y=a=b"}, want: http(func(t *Target) {
			t.Headers = map[string]string{"authorization": "Bearer abc", "x": "1+1", "X-Y": "a=b"}
		})},
		{name: "header twice", env: vars{base + "ENDPOINT": "http://c:4318", base + "HEADERS": "a=1,A=2"}, want: http(func(t *Target) {
			t.Headers = map[string]string{"A": "2"}
		})},
		{name: "header that gRPC cannot send", env: vars{base + "ENDPOINT": "grpc://c", base + "HEADERS": "a!b=s3cret"},
			fault: base + `HEADERS "a!b": must have a name of letters, digits, hyphens, underscores and dots for gRPC`},
		{name: "headers for metrics", env: vars{base + "ENDPOINT": "http://c:4318", base + "HEADERS": "a=1", metrics + "HEADERS": "b=2"}, want: http(func(t *Target) {
			t.Headers = map[string]string{"b": "2"}
		})},
		{name: "compression", env: vars{base + "ENDPOINT": "http://c:4318", base + "COMPRESSION": "gzip"}, want: http(func(t *Target) { t.Compression = CompressionGzip })},
		{name: "compression for metrics", env: vars{base + "ENDPOINT": "http://c:4318", base + "COMPRESSION": "gzip", metrics + "COMPRESSION": "none"}, want: http(func(t *Target) { t.Compression = CompressionNone })},
		{name: "timeout", env: vars{base + "ENDPOINT": "http://c:4318", base + "TIMEOUT": "1500"}, want: http(func(t *Target) { t.Timeout = 1500 * time.Millisecond })},
		{name: "timeout for metrics", env: vars{base + "ENDPOINT": "http://c:4318", base + "TIMEOUT": "1500", metrics + "TIMEOUT": "20"}, want: http(func(t *Target) { t.Timeout = 20 * time.Millisecond })},
		{name: "interval", env: vars{base + "ENDPOINT": "http://c:4318", "OTEL_METRIC_EXPORT_INTERVAL": "300", "OTEL_METRIC_EXPORT_TIMEOUT": "200"}, want: http(func(t *Target) {
			t.Interval, t.ExportTimeout = 300*time.Millisecond, 200*time.Millisecond
		})},
		{name: "temporality", env: vars{base + "ENDPOINT": "http://c:4318", metrics + "TEMPORALITY_PREFERENCE": "LowMemory"}, want: http(func(t *Target) { t.Temporality = TemporalityLowMemory })},
		{name: "certificates", env: vars{base + "ENDPOINT": "https://c", base + "CERTIFICATE": ca.file, base + "CLIENT_CERTIFICATE": client.cert, base + "CLIENT_KEY": client.key},
			want: []Target{{URL: "https://c/v1/metrics", CAFile: ca.file, CertFile: client.cert, KeyFile: client.key}}},
		{name: "certificates for metrics", env: vars{base + "ENDPOINT": "https://c", base + "CERTIFICATE": absent, metrics + "CERTIFICATE": ca.file,
			base + "CLIENT_CERTIFICATE": other.cert, base + "CLIENT_KEY": other.key, metrics + "CLIENT_CERTIFICATE": client.cert, metrics + "CLIENT_KEY": client.key},
			want: []Target{{URL: "https://c/v1/metrics", CAFile: ca.file, CertFile: client.cert, KeyFile: client.key}}},
		{name: "certificates without TLS", env: vars{base + "ENDPOINT": "http://c:4318", base + "CERTIFICATE": absent}, want: http(func(*Target) {})},
		{name: "exporter otlp", env: vars{base + "ENDPOINT": "http://c:4318", "OTEL_METRICS_EXPORTER": "prometheus, otlp"}, want: http(func(*Target) {})},
		{name: "words in any case", env: vars{base + "ENDPOINT": "HTTP://c:4317", base + "PROTOCOL": "GRPC", base + "COMPRESSION": "Gzip", "OTEL_METRICS_EXPORTER": "OTLP"},
			want: []Target{{URL: "grpc://c:4317", Compression: CompressionGzip}}},
		{name: "exporter none", env: vars{base + "ENDPOINT": "http://c:4318", "OTEL_METRICS_EXPORTER": "none"}},
		{name: "exporter prometheus", env: vars{base + "ENDPOINT": "http://c:4318", "OTEL_METRICS_EXPORTER": "prometheus"}},

		{name: "bad exporter", env: vars{"OTEL_METRICS_EXPORTER": "console"}, fault: `OTEL_METRICS_EXPORTER "console": must be otlp, prometheus or none, or a list of them`},
		{name: "bad endpoint", env: vars{base + "ENDPOINT": "c:4318"}, fault: base + `ENDPOINT "c:4318": must begin with http://, https://, grpc:// or grpcs://`},
		{name: "bad metrics endpoint", env: vars{metrics + "ENDPOINT": "c:4318"}, fault: metrics + `ENDPOINT "c:4318": must begin with http://, https://, grpc:// or grpcs://`},
		{name: "secret endpoint", env: vars{base + "ENDPOINT": "http://u:s3cret@c"}, fault: base + `ENDPOINT "http://***@c": must have no user information; give credentials as a header`},
		{name: "bad grpc endpoint", env: vars{base + "ENDPOINT": "unix:///x", base + "PROTOCOL": "grpc"}, fault: base + `ENDPOINT "unix:///x": must begin with http://, https://, grpc:// or grpcs://`},
		{name: "same twice", env: vars{base + "ENDPOINT": "http://c:1,http://c:1"}, fault: `push to http://c:1: url "http://c:1/v1/metrics": must be given only once; pushing twice to one collector counts everything double`},
		{name: "http/json", env: vars{base + "ENDPOINT": "http://c", base + "PROTOCOL": "http/json"}, fault: base + `PROTOCOL "http/json": is not supported: use http/protobuf or grpc`},
		{name: "bad protocol", env: vars{base + "ENDPOINT": "http://c", metrics + "PROTOCOL": "http"}, fault: metrics + `PROTOCOL "http": must be grpc or http/protobuf`},
		{name: "bad file", env: vars{base + "ENDPOINT": "https://c", base + "CERTIFICATE": absent},
			fault: base + `CERTIFICATE "` + absent + `": must be a file that can be read: no such file or directory`},
		{name: "bad files for metrics", env: vars{base + "ENDPOINT": "https://c,https://d", base + "CERTIFICATE": ca.file, metrics + "CERTIFICATE": absent,
			base + "CLIENT_CERTIFICATE": client.cert, base + "CLIENT_KEY": absent},
			fault: metrics + `CERTIFICATE "` + absent + `": must be a file that can be read: no such file or directory` + "\n" +
				base + `CLIENT_KEY "` + absent + `": must be a file that can be read: no such file or directory`},
		{name: "owned header", env: vars{base + "ENDPOINT": "http://c", base + "HEADERS": "Content-Type=s3cret"},
			fault: base + `HEADERS "Content-Type": must not be set, since the protocol sets it`},
		{name: "endpoint and files", env: vars{base + "ENDPOINT": "https://c,ftp://d", base + "CERTIFICATE": absent, base + "TIMEOUT": "x", base + "PROTOCOL": "y"},
			fault: base + `TIMEOUT "x": must be a number of milliseconds between 1 and 86400000` + "\n" +
				base + `PROTOCOL "y": must be grpc or http/protobuf` + "\n" +
				base + `ENDPOINT "ftp://d": must begin with http://, https://, grpc:// or grpcs://` + "\n" +
				base + `CERTIFICATE "` + absent + `": must be a file that can be read: no such file or directory`},
		{name: "protocol and address", env: vars{base + "ENDPOINT": "c:4317", base + "PROTOCOL": "y"}, fault: base + `PROTOCOL "y": must be grpc or http/protobuf`},
		{name: "certificate without a key", env: vars{base + "ENDPOINT": "https://c", metrics + "CLIENT_CERTIFICATE": client.cert, base + "CLIENT_KEY": client.key},
			fault: metrics + "CLIENT_KEY: must be given, since " + metrics + "CLIENT_CERTIFICATE is"},
		{name: "key without a certificate", env: vars{base + "ENDPOINT": "https://c", base + "CLIENT_KEY": client.key},
			fault: base + "CLIENT_CERTIFICATE: must be given, since " + base + "CLIENT_KEY is"},
		{name: "all at once", env: vars{
			base + "ENDPOINT": "https://c", base + "HEADERS": "a=1,s3cret", base + "COMPRESSION": "zstd", base + "TIMEOUT": "10s",
			"OTEL_METRIC_EXPORT_INTERVAL": "0", "OTEL_METRIC_EXPORT_TIMEOUT": "-5", metrics + "TEMPORALITY_PREFERENCE": "x", base + "INSECURE": "x",
		}, fault: base + "HEADERS: entry 2: must be key=value\n" +
			base + `COMPRESSION "zstd": must be none or gzip` + "\n" +
			base + `TIMEOUT "10s": must be a number of milliseconds between 1 and 86400000` + "\n" +
			`OTEL_METRIC_EXPORT_INTERVAL "0": must be a number of milliseconds between 1 and 86400000` + "\n" +
			`OTEL_METRIC_EXPORT_TIMEOUT "-5": must be a number of milliseconds between 1 and 86400000` + "\n" +
			metrics + `TEMPORALITY_PREFERENCE "x": must be cumulative, delta or lowmemory`},
		{name: "bad insecure", env: vars{base + "ENDPOINT": "c", base + "PROTOCOL": "grpc", base + "INSECURE": "1"}, fault: base + `INSECURE "1": must be true or false`},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			got, err := TargetsFromEnv(row.env.get)
			if row.fault != "" {
				if err == nil || err.Error() != row.fault || got != nil {
					t.Errorf("got %v, %v\nwant %s", got, err, row.fault)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, row.want) {
				t.Errorf("got  %+v\nwant %+v", got, row.want)
			}
		})
	}
}

func TestTargetLayers(t *testing.T) {
	env := vars{
		"OTEL_EXPORTER_OTLP_ENDPOINT": "http://env", "OTEL_EXPORTER_OTLP_HEADERS": "a=env", "OTEL_EXPORTER_OTLP_TIMEOUT": "1",
		"OTEL_METRIC_EXPORT_INTERVAL": "2", "OTEL_EXPORTER_OTLP_CERTIFICATE": "env-ca",
	}
	given := Target{URL: "https://given", Headers: map[string]string{"a": "given"}, Timeout: time.Hour, Compression: CompressionGzip}
	with, err := given.WithEnv(env.get)
	if want := (Target{URL: "https://given", Headers: map[string]string{"a": "given"}, Timeout: time.Hour, Compression: CompressionGzip,
		Interval: 2 * time.Millisecond, CAFile: "env-ca"}); err != nil || !reflect.DeepEqual(with, want) {
		t.Errorf("with env: got %+v, %v\nwant %+v", with, err, want)
	}
	under, err := given.UnderEnv(env.get)
	if want := (Target{URL: "https://given", Headers: map[string]string{"a": "env"}, Timeout: time.Millisecond, Compression: CompressionGzip,
		Interval: 2 * time.Millisecond, CAFile: "env-ca"}); err != nil || !reflect.DeepEqual(under, want) {
		t.Errorf("under env: got %+v, %v\nwant %+v", under, err, want)
	}
	plain, err := Target{URL: "http://plain"}.UnderEnv(env.get)
	if err != nil || plain.CAFile != "" {
		t.Errorf("a target without TLS took %+v, %v", plain, err)
	}
	if _, err := given.WithEnv(vars{"OTEL_EXPORTER_OTLP_TIMEOUT": "x"}.get); err == nil {
		t.Error("a bad variable goes unnoticed where a field wins over it")
	}
}

func TestDisabled(t *testing.T) {
	for value, want := range map[string]bool{"": false, "false": false, "true": true, "TRUE": true} {
		if got, err := Disabled(vars{"OTEL_SDK_DISABLED": value}.get); got != want || err != nil {
			t.Errorf("%q: got %v, %v, want %v", value, got, err, want)
		}
	}
	got, err := Disabled(vars{"OTEL_SDK_DISABLED": "1"}.get)
	if got || err == nil || err.Error() != `OTEL_SDK_DISABLED "1": must be true or false` {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestFileTargetsWanted(t *testing.T) {
	for value, want := range map[string]bool{"": true, "otlp": true, "prometheus,otlp": true, "none": false, "prometheus": false} {
		if got := FileTargetsWanted(vars{"OTEL_METRICS_EXPORTER": value}.get); got != want {
			t.Errorf("%q: got %v, want %v", value, got, want)
		}
	}
}

func TestParseHeadersFaults(t *testing.T) {
	for list, want := range map[string]string{
		"a":                "entry 1: must be key=value",
		"a=1,,=s3cret":     "entry 3: the key must not be empty, and a percent sign in it must be written %25",
		"a=s3cret%zz":      "entry 1: a percent sign in the value of \"a\" must be written %25",
		"a=s3cret%0a":      "entry 1: the value of \"a\" must consist of printable ASCII characters",
		"a=s3cret%C3%A4":   "entry 1: the value of \"a\" must consist of printable ASCII characters",
		"two words=s3cret": "entry 1: the name must consist of letters, digits and hyphens",
	} {
		if _, err := ParseHeaders(list); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", list, err, want)
		}
	}
}

func FuzzParseHeaders(f *testing.F) {
	f.Add("authorization=Bearer%20abc,x=1")
	f.Add("a=%ff%00,=,b")
	f.Fuzz(func(t *testing.T, list string) {
		headers, err := ParseHeaders(list)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("more than one line: %q", err)
			}
			return
		}
		for name, value := range headers {
			if !isToken(name) || !isFieldValue(value) {
				t.Errorf("%q: %q cannot be sent", name, value)
			}
		}
	})
}
