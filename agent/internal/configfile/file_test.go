package configfile

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/telltale-agent/telltale/exporters"
)

func noEnv(string) string { return "" }

func env(pairs map[string]string) func(string) string {
	return func(name string) string { return pairs[name] }
}

// TestExample loads the example at the root of the repository.
func TestExample(t *testing.T) {
	const path = "../../../otel-config.yaml"
	got, err := Load(path, noEnv)
	if err != nil {
		t.Fatal(err)
	}
	local := exporters.Target{
		URL: "http://127.0.0.1:4318/v1/metrics", Compression: exporters.CompressionNone,
		Timeout: exporters.DefaultTimeout, ExportTimeout: exporters.DefaultExportTimeout,
		Interval: exporters.DefaultInterval, Temporality: exporters.TemporalityCumulative,
	}
	want := &File{
		ResourceAttributes: map[string]string{"service.name": "telltale", "deployment.environment.name": "development"},
		Targets:            []exporters.Target{local},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// TestExampleInFull loads the example with everything that is commented out.
func TestExampleInFull(t *testing.T) {
	data, err := os.ReadFile("../../../otel-config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	writePair(t, dir)
	before, after, ok := strings.Cut(string(data), "\n    # - periodic:")
	if !ok {
		t.Fatal("the example has no commented reader")
	}
	commented, rest, _ := strings.Cut("    # - periodic:"+after, "\n\n")
	text := before + "\n" + regexp.MustCompile(`(?m)^    # `).ReplaceAllString(commented, "    ") + "\n\n" + rest
	text = strings.ReplaceAll(text, "/etc/telltale", dir)
	got, err := Parse("example", []byte(text), env(map[string]string{
		"COLLECTOR_TOKEN": "t0ken", "PUSH_INTERVAL_MS": "2000", "SERVICE_NAME": "x: y\nz: 1", "COLLECTOR_URL": "http://other:1/p",
	}))
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Targets) != 2 {
		t.Fatalf("%d targets, want 2", len(got.Targets))
	}
	if got.Targets[0].Interval != 2*time.Second || got.Targets[0].URL != "http://other:1/p" {
		t.Errorf("first target %+v", got.Targets[0])
	}
	want := exporters.Target{
		URL: "grpcs://collector.example.com:4317", Compression: exporters.CompressionGzip,
		Headers: map[string]string{"authorization": "Bearer t0ken"}, Interval: 15 * time.Second,
		CAFile:   filepath.Join(dir, "ca.pem"),
		CertFile: filepath.Join(dir, "client.pem"), KeyFile: filepath.Join(dir, "client-key.pem"),
	}
	if !reflect.DeepEqual(got.Targets[1], want) {
		t.Errorf("got  %+v\nwant %+v", got.Targets[1], want)
	}
	if got.ResourceAttributes["service.name"] != "x: y\nz: 1" {
		t.Errorf("a variable changed the structure: %v", got.ResourceAttributes)
	}
}

func TestParse(t *testing.T) {
	const head = "file_format: \"1.0\"\n"
	reader := func(exporter string) string {
		return head + "meter_provider: {readers: [{periodic: {exporter: {" + exporter + "}}}]}\n"
	}
	one := func(target exporters.Target) File {
		return File{ResourceAttributes: map[string]string{}, Targets: []exporters.Target{target}}
	}
	rows := []struct {
		name string
		text string
		env  map[string]string
		want File
	}{
		{"nothing", head, nil, File{ResourceAttributes: map[string]string{}}},
		{"http by default", reader("otlp_http: null"), nil, one(exporters.Target{URL: "http://localhost:4318/v1/metrics"})},
		{"grpc by default", reader("otlp_grpc: {}"), nil, one(exporters.Target{URL: "grpc://localhost:4317"})},
		{"grpc without a scheme", reader("otlp_grpc: {endpoint: 'c:1'}"), nil, one(exporters.Target{URL: "grpcs://c:1"})},
		{"grpc insecure", reader("otlp_grpc: {endpoint: 'c:1', tls: {insecure: true}}"), nil, one(exporters.Target{URL: "grpc://c:1"})},
		{"null is no entry", reader("otlp_http: {endpoint: null, compression: ~, timeout: , tls: }"), nil,
			one(exporters.Target{URL: "http://localhost:4318/v1/metrics"})},
		{"low memory", reader("otlp_http: {temporality_preference: low_memory}"), nil,
			one(exporters.Target{URL: "http://localhost:4318/v1/metrics", Temporality: exporters.TemporalityLowMemory})},
		{"header lists", reader("otlp_http: {headers: [{name: a, value: '1'}, {name: n, value: null}], headers_list: 'A=9,b=two%20words'}"), nil,
			one(exporters.Target{URL: "http://localhost:4318/v1/metrics", Headers: map[string]string{"a": "1", "b": "two words"}})},
		{"substitution", reader("otlp_http: {endpoint: 'http://${env:HOST}:${PORT:-4318}', headers: [{name: k, value: '$$x ${A}${MISSING}'}]}") + "resource:\n  attributes:\n    - {name: n, value: \"${NUMBER}\"}\n    - name: p\n      value: ${NUMBER}\n    - name: e\n      value: ${MISSING}\n",
			map[string]string{"HOST": "h", "A": "${HOST}", "NUMBER": "12"},
			File{
				ResourceAttributes: map[string]string{"n": "12", "p": "12"},
				Targets:            []exporters.Target{{URL: "http://h:4318", Headers: map[string]string{"k": "$x ${HOST}"}}},
			}},
		{"attributes over list", head + "resource: {attributes: [{name: a, value: b, type: string}], attributes_list: 'a=x,c=d%2Ce'}", nil,
			File{ResourceAttributes: map[string]string{"a": "b", "c": "d,e"}}},
		{"distributions", head + "distribution: {telltale: , other: {any: [thing]}}", nil, File{ResourceAttributes: map[string]string{}}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			got, err := Parse("f", []byte(row.text), env(row.env))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(*got, row.want) {
				t.Errorf("got  %+v\nwant %+v", *got, row.want)
			}
		})
	}
}

func TestFaults(t *testing.T) {
	const head = "file_format: \"1.0\"\n"
	exporter := func(text string) string {
		return head + "meter_provider:\n  readers:\n    - periodic:\n        exporter:\n          otlp_http:\n            " + text + "\n"
	}
	const at = "meter_provider.readers[0].periodic.exporter.otlp_http."
	rows := []struct {
		name string
		text string
		want string // all lines
	}{
		{"empty", "", `f:1: must hold a document that begins with file_format: "1.0"`},
		{"no mapping", "[]", "f:1: must be a mapping with the keys distribution, file_format, meter_provider, resource"},
		{"no format", "resource: {attributes: [{name: a, value: b}]}", "f:1: file_format: must be given"},
		{"other format", "file_format: '0.3'", `f:1: file_format: "0.3": must be 1.0`},
		{"format without quotes", "file_format: 1.0", `f:1: file_format: "1.0": must be text; put it in quotes`},
		{"two documents", head + "---\n" + head, "f:2: must hold only one document"},
		{"not YAML", "file_format: [", "f:1: is not YAML: "},
		{"unknown key", head + "meter_providr: {}", "f:2: meter_providr: is not known; did you mean meter_provider?"},
		{"far from any key", head + "xyzzy: {}", "f:2: xyzzy: is not known; use distribution, file_format, meter_provider, resource"},
		{"key twice", head + head, "f:2: file_format: must be given only once"},
		{"not supported", head + "tracer_provider: {}", "f:2: tracer_provider: is not supported by telltale yet; leave it out"},
		{"alias", head + "resource: &r {attributes: [{name: a, value: b}]}\nmeter_provider: *r", "f:3: meter_provider: must be written out; aliases are not supported"},
		{"own section", head + "distribution: {telltale: {heartbeat: 5s}}", "f:2: distribution.telltale.heartbeat: is not known; nothing can stand here yet"},
		{"no readers", head + "meter_provider: {}", "f:2: meter_provider.readers: must be given"},
		{"empty readers", head + "meter_provider: {readers: []}", "f:2: meter_provider.readers: must be a list with at least one item"},
		{"pull", head + "meter_provider: {readers: [{pull: {}}]}", "f:2: meter_provider.readers[0].pull: is not supported by telltale yet; leave it out"},
		{"no exporter", head + "meter_provider: {readers: [{periodic: {interval: 1000}}]}", "f:2: meter_provider.readers[0].periodic.exporter: must be given"},
		{"two exporters", head + "meter_provider: {readers: [{periodic: {exporter: {otlp_http: , otlp_grpc: }}}]}",
			"f:2: meter_provider.readers[0].periodic.exporter: must have exactly one of the keys otlp_grpc, otlp_http"},
		{"typo", exporter("compresion: gzip"), "f:7: " + at + "compresion: is not known; did you mean compression?"},
		{"compression", exporter("compression: zstd"), `f:7: ` + at + `compression: "zstd": must be gzip or none`},
		{"endless timeout", exporter("timeout: 0"), `f:7: ` + at + `timeout: "0": must be a number of milliseconds between 1 and 86400000`},
		{"timeout with unit", exporter("timeout: 10s"), `f:7: ` + at + `timeout: "10s": must be a number of milliseconds between 1 and 86400000`},
		{"json", exporter("encoding: json"), `f:7: ` + at + `encoding: "json": must be protobuf`},
		{"variable", exporter("compression: ${not a name}"), "f:7: " + at + "compression: must refer to a variable as ${NAME} or ${NAME:-default}; a dollar sign that is meant is written $$"},
		{"endpoint", exporter("endpoint: ftp://h"), `f:7: ` + at + `endpoint: "ftp://h": must begin with http://, https://, grpc:// or grpcs://`},
		{"grpc endpoint", exporter("endpoint: grpc://h"), `f:7: ` + at + `endpoint: must begin with http:// or https://; for gRPC use otlp_grpc`},
		{"secret in the endpoint", exporter("endpoint: https://u:s3cret@h"), `f:7: ` + at + `endpoint: "https://***@h": must have no user information; give credentials as a header`},
		{"secret in a header", exporter("headers: [{name: k, value: 1234567}]"), `f:7: ` + at + `headers[0].value: must be text; put it in quotes`},
		{"header twice", exporter("headers: [{name: k, value: a}, {name: k, value: b}]"), `f:7: ` + at + `headers[1]: "k": must be given only once`},
		{"header twice in other case", exporter("headers: [{name: k, value: a}, {name: K, value: b}]"), `f:7: ` + at + `headers: "k": must be given only once, in whatever case`},
		{"header list", exporter("headers_list: s3cret"), `f:7: ` + at + `headers_list: entry 1: must be key=value`},
		{"missing file", exporter("endpoint: https://h\n            tls: {ca_file: /nowhere/ca.pem}"), `f:8: ` + at + `tls.ca_file: "/nowhere/ca.pem": must be a file that can be read: no such file or directory`},
		{"key without a certificate", exporter("endpoint: https://h\n            tls: {key_file: /nowhere/key.pem}"), `f:7: ` + at + `tls.cert_file: must be given, since key_file is`},
		{"files without TLS", exporter("tls: {ca_file: /nowhere/ca.pem}"), `f:7: ` + at + `tls.ca_file: "/nowhere/ca.pem": must be left out, or the URL must begin with https:// or grpcs://`},
		{"attribute type", head + "resource: {attributes: [{name: a, value: '1', type: int}]}", `f:2: resource.attributes[0].type: "int": must be string`},
		{"all at once", exporter("timeout: -1\n            compresion: gzip\n            temporality_preference: x") + "log_level: info",
			`f:7: ` + at + `timeout: "-1": must be a number of milliseconds between 1 and 86400000` + "\n" +
				"f:8: " + at + "compresion: is not known; did you mean compression?\n" +
				`f:9: ` + at + `temporality_preference: "x": must be cumulative or delta or low_memory` + "\n" +
				"f:10: log_level: is not supported by telltale yet; leave it out"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			_, err := Parse("f", []byte(row.text), noEnv)
			if err == nil {
				t.Fatal("no error")
			}
			if got := err.Error(); got != row.want && !(strings.HasSuffix(row.want, ": ") && strings.HasPrefix(got, row.want)) {
				t.Errorf("got  %s\nwant %s", got, row.want)
			}
		})
	}
}

func TestLoadUnreadable(t *testing.T) {
	dir := t.TempDir()
	for path, why := range map[string]string{
		filepath.Join(dir, "no\nfile.yaml"): "no such file or directory",
		dir:                                 "is a directory",
	} {
		want := fmt.Sprintf("read configuration file %q: %s; give the path of a file that can be read", path, why)
		if _, err := Load(path, noEnv); err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
	big := filepath.Join(dir, "big.yaml")
	if err := os.WriteFile(big, make([]byte, maxSize+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(big, noEnv); err == nil || !strings.Contains(err.Error(), "at most 1048576 bytes") {
		t.Errorf("got %v", err)
	}
}

func FuzzParse(f *testing.F) {
	example, err := os.ReadFile("../../../otel-config.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(example, "value")
	f.Add([]byte("file_format: \"1.0\"\nresource: {attributes: [{name: a, value: ${A}}]}"), "x: y\n- z")
	f.Add([]byte("a: &a [*a]\n? [x]\n: y\n<<: *a"), "")
	f.Fuzz(func(t *testing.T, data []byte, value string) {
		file, err := Parse("f", data, func(string) string { return value })
		if err == nil {
			for _, target := range file.Targets {
				if err := target.Validate(); err != nil {
					t.Errorf("accepted a target that is refused later: %v", err)
				}
			}
			return
		}
		for line := range strings.SplitSeq(err.Error(), "\n") {
			if !strings.HasPrefix(line, "f:") {
				t.Errorf("the line %q of %q does not say where the fault is", line, err)
			}
		}
	})
}
