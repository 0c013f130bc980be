package exporters

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestTargetURL(t *testing.T) {
	rows := []struct {
		name, url string
		exact     bool
		want      string // scheme://host:port/path
		fault     string // instead
	}{
		{name: "http", url: "http://h:4318", want: "http://h:4318/v1/metrics"},
		{name: "http with a slash", url: "http://h:4318/", want: "http://h:4318/v1/metrics"},
		{name: "http with a path", url: "http://h:4318/otlp/push", want: "http://h:4318/otlp/push"},
		{name: "exact path", url: "http://h:4318", exact: true, want: "http://h:4318/"},
		{name: "scheme in capitals", url: "HTTP://h:4318", want: "http://h:4318/v1/metrics"},
		{name: "https without a port", url: "https://h", want: "https://h:443/v1/metrics"},
		{name: "http without a port", url: "http://h", want: "http://h:80/v1/metrics"},
		{name: "grpc", url: "grpc://h:1", want: "grpc://h:1"},
		{name: "grpc without a port", url: "grpc://h", want: "grpc://h:4317"},
		{name: "grpcs without a port", url: "grpcs://h/", want: "grpcs://h:4317"},
		{name: "IPv6", url: "grpc://[::1]", want: "grpc://[::1]:4317"},

		{name: "empty", fault: `push: url "": must be http://host:4318, `},
		{name: "no scheme", url: "h:4318", fault: `push: url "h:4318": must begin with http://`},
		{name: "other scheme", url: "ftp://h", fault: `push: url "ftp://h": must begin with http://`},
		{name: "no host", url: "http://", fault: `push: url "http://": must name a host`},
		{name: "no URL", url: "http://[::1", fault: `push: url "http://[::1": must be a URL such as`},
		{name: "port 0", url: "http://h:0", fault: `push: url "http://h:0": must have a port between 1 and 65535`},
		{name: "large port", url: "http://h:99999999999999999999", fault: `push: url "http://h:99999999999999999999": must have a port`},
		{name: "grpc path", url: "grpc://h/x", fault: `push: url "grpc://h/x": must have no path`},
		{name: "password", url: "http://user:s3cret@h", fault: `push: url "http://***@h": must have no user information`},
		{name: "odd password", url: "http://user:s3@cr/et@h", fault: `push: url "http://***@h": must have no user information`},
		{name: "query", url: "http://h/?key=s3cret", fault: `push: url "http://h/?***": must have no query`},
		{name: "fragment", url: "http://h/#s3cret", fault: `push: url "http://h/#***": must have no fragment`},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			target := Target{URL: row.url, ExactPath: row.exact}
			err := target.Validate()
			if row.fault != "" {
				if err == nil || !strings.HasPrefix(err.Error(), row.fault) || strings.Contains(err.Error(), "\n") {
					t.Errorf("got %v, want %s…", err, row.fault)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			u, err := target.parse()
			if err != nil || u.String() != row.want {
				t.Errorf("got %v (%v), want %s", u, err, row.want)
			}
			if want := u.Scheme + "://" + u.Host; target.Endpoint() != want {
				t.Errorf("endpoint %q, want %q", target.Endpoint(), want)
			}
		})
	}
}

// TestTargetFaults reports everything at once, one line each, without secrets.
func TestTargetFaults(t *testing.T) {
	dir := t.TempDir()
	junk := filepath.Join(dir, "junk.pem")
	if err := os.WriteFile(junk, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := Target{
		URL: "https://h:1", Timeout: -time.Second, Interval: 48 * time.Hour, ExportTimeout: time.Microsecond,
		Compression: "zstd", Temporality: "weekly",
		Headers: map[string]string{"bad name": "s3cret", "ok": "s3cret\n", "Content-Type": "s3cret", "grpc-x": "s3cret"},
		CAFile:  junk, CertFile: junk, KeyFile: dir,
	}.Validate()
	want := strings.Join([]string{
		`push to https://h:1: timeout "-1s": must be between 1ms and 24h`,
		`push to https://h:1: export_timeout "1µs": must be between 1ms and 24h`,
		`push to https://h:1: interval "48h0m0s": must be between 1ms and 24h`,
		`push to https://h:1: compression "zstd": must be none or gzip`,
		`push to https://h:1: temporality "weekly": must be cumulative, delta or lowmemory`,
		`push to https://h:1: headers "Content-Type": must not be set, since the protocol sets it`,
		`push to https://h:1: headers "bad name": must have a name of letters, digits and hyphens`,
		`push to https://h:1: headers "grpc-x": must not be set, since the protocol sets it`,
		`push to https://h:1: headers "ok": must have a value of printable ASCII characters`,
		`push to https://h:1: ca_file "` + junk + `": must hold at least one PEM certificate`,
		`push to https://h:1: key_file "` + dir + `": must be a file that can be read: it is not a regular file`,
	}, "\n")
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

// TestTargetHeaders: what gRPC would refuse at the first export is refused at
// the start, and names that differ only by case are one.
func TestTargetHeaders(t *testing.T) {
	rows := []struct {
		name, header, value string
		http, grpc          bool // whether it can be sent
	}{
		{"plain", "X-Tenant", "a b", true, true},
		{"all of gRPC's characters", "a_b.c-9", "x", true, true},
		{"only HTTP's characters", "a!b", "s3cret", true, false},
		{"tab", "a", "s3\tcret", true, false},
		{"line", "a", "s3\ncret", false, false},
		{"of gRPC", "grpc-timeout", "s3cret", false, false},
	}
	bothProtocols(t, func(t *testing.T, protocol string) {
		collector := startReceiver(t, protocol, nil)
		for _, row := range rows {
			t.Run(row.name, func(t *testing.T) {
				target := Target{URL: collector.url(), Headers: map[string]string{row.header: row.value}, Interval: forever}
				err := target.Validate()
				if want := protocol == "http" && row.http || protocol == "grpc" && row.grpc; want != (err == nil) {
					t.Fatalf("got %v, want it accepted: %v", err, want)
				}
				if err != nil {
					if strings.Contains(err.Error(), "cret") {
						t.Errorf("a secret in %q", err)
					}
					return
				}
				r := newRig(t, target)
				r.add(1)
				r.flushed(t)
			})
		}
		twice := Target{URL: collector.url(), Headers: map[string]string{"A": "s3cret", "a": "s3cret"}}
		if err := twice.Validate(); err == nil || !strings.Contains(err.Error(), `headers "a": must be given only once, in whatever case`) {
			t.Errorf("names that differ by case: %v", err)
		}
	})
}

func TestTargetTLSFiles(t *testing.T) {
	dir := t.TempDir()
	ca := newAuthority(t, dir)
	one, two := ca.issue(t, "one", time.Hour), ca.issue(t, "two", time.Hour)
	rows := []struct {
		name   string
		target Target
		want   string // "" for none
	}{
		{"all", Target{URL: "https://h", CAFile: ca.file, CertFile: one.cert, KeyFile: one.key}, ""},
		{"mismatched pair", Target{URL: "grpcs://h", CertFile: one.cert, KeyFile: two.key}, "cert_file"},
		{"no key", Target{URL: "grpcs://h", CertFile: one.cert}, "key_file"},
		{"no certificate", Target{URL: "grpcs://h", KeyFile: one.key}, "cert_file"},
		{"absent", Target{URL: "https://h", CAFile: filepath.Join(dir, "absent")}, "ca_file"},
		{"key as certificate", Target{URL: "https://h", CAFile: one.key}, "ca_file"},
		{"without TLS", Target{URL: "http://h", CAFile: ca.file}, "ca_file"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			faults := row.target.Faults()
			if row.want == "" {
				if len(faults) != 0 {
					t.Errorf("%v", faults[0])
				}
				return
			}
			if len(faults) != 1 || faults[0].Field != row.want {
				t.Errorf("got %v, want one of %s", faults, row.want)
			}
			if _, err := NewPush(row.target, PushOptions{}); err == nil {
				t.Error("NewPush accepts it")
			}
		})
	}
}

func TestValidateTargetsTwice(t *testing.T) {
	err := ValidateTargets([]Target{
		{URL: "http://h:4318"}, {URL: "http://H:4318/v1/metrics"}, {URL: "http://h:4318/other"}, {URL: "grpc://h:4317"}, {URL: "ftp://x"},
		{URL: "grpc://h:4317", Headers: map[string]string{"X-Scope-OrgID": "one"}},
		{URL: "grpc://h:4317", Headers: map[string]string{"X-Scope-OrgID": "two"}},
		{URL: "grpc://H:4317", Headers: map[string]string{"x-scope-orgid": "two"}},
	})
	want := `push to http://H:4318: url "http://H:4318/v1/metrics": must be given only once; pushing twice to one collector counts everything double` +
		"\n" + `push: url "ftp://x": must begin with http://, https://, grpc:// or grpcs://` +
		"\n" + `push to grpc://H:4317: url "grpc://H:4317": must be given only once; pushing twice to one collector counts everything double`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

func TestPushNames(t *testing.T) {
	got := PushNames([]Target{
		{URL: "http://h:4318/a"}, {URL: "grpc://h"}, {URL: "HTTP://h:4318/b"}, {URL: "http://other/s3cret"}, {URL: "http://h:4318/c"},
	})
	want := []string{"http://h:4318", "grpc://h:4317", "http://h:4318#2", "http://other:80", "http://h:4318#3"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTargetOr(t *testing.T) {
	d := Target{
		URL: "https://d", ExactPath: true, Headers: map[string]string{"a": "1"}, Compression: CompressionGzip,
		CAFile: "ca", CertFile: "cert", KeyFile: "key",
		Timeout: 1, ExportTimeout: 2, Interval: 3, Temporality: TemporalityDelta,
	}
	if got := (Target{}).Or(d); !reflect.DeepEqual(got, d) {
		t.Errorf("got %+v, want all of %+v", got, d)
	}
	full := Target{
		URL: "grpcs://t", Headers: map[string]string{}, Compression: CompressionNone,
		CAFile: "x", CertFile: "y", KeyFile: "z",
		Timeout: 4, ExportTimeout: 5, Interval: 6, Temporality: TemporalityCumulative,
	}
	if got := full.Or(d); !reflect.DeepEqual(got, full) {
		t.Errorf("got %+v, want nothing changed in %+v", got, full)
	}
	if got := (Target{URL: "http://t"}).Or(d); got.CAFile+got.CertFile+got.KeyFile != "" || got.ExactPath {
		t.Errorf("a target without TLS took %+v", got)
	}
	// A certificate never comes with the key of another.
	if got := (Target{URL: "https://t", KeyFile: "mine"}).Or(d); got.CertFile != "" {
		t.Errorf("got %+v", got)
	}
}

func FuzzTargetURL(f *testing.F) {
	for _, url := range []string{"http://h:4318/x", "grpcs://[::1]:1", "http://u:p@h", "https://h?q#f", "://"} {
		f.Add(url)
	}
	f.Fuzz(func(t *testing.T, url string) {
		target := Target{URL: url}
		if err := target.Validate(); err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("more than one line: %q", err)
			}
			return
		}
		dial, err := newDialer(target.withDefaults())
		if err != nil {
			t.Fatal(err)
		}
		w, err := dial()
		if err != nil {
			t.Fatalf("%q is found wrong only after validation: %v", url, err)
		}
		w.close()
		if strings.ContainsAny(target.Endpoint(), "@?# \n") {
			t.Errorf("endpoint %q", target.Endpoint())
		}
	})
}
