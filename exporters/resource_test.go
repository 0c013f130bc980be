package exporters

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestResource(t *testing.T) {
	rows := []struct {
		name   string
		layers ResourceLayers
		want   map[string]string // "" for absent
	}{
		{"defaults", ResourceLayers{}, map[string]string{"service.name": "telltale", "telemetry.sdk.language": "go", "service.version": ""}},
		{"version", ResourceLayers{Version: "1.2"}, map[string]string{"service.version": "1.2"}},
		{"file", ResourceLayers{File: map[string]string{"service.name": "file", "a": "1"}}, map[string]string{"service.name": "file", "a": "1"}},
		{"attributes over file", ResourceLayers{File: map[string]string{"service.name": "file", "a": "1", "b": "2"}, Getenv: vars{
			"OTEL_RESOURCE_ATTRIBUTES": "service.name=attributes,a=x%2Cy, c = d",
		}.get}, map[string]string{"service.name": "attributes", "a": "x,y", "b": "2", "c": "d"}},
		{"service name over attributes", ResourceLayers{Getenv: vars{
			"OTEL_RESOURCE_ATTRIBUTES": "service.name=attributes", "OTEL_SERVICE_NAME": "variable",
		}.get}, map[string]string{"service.name": "variable"}},
		{"explicit over all", ResourceLayers{ServiceName: "flag", File: map[string]string{"service.name": "file"}, Getenv: vars{
			"OTEL_SERVICE_NAME": "variable",
		}.get}, map[string]string{"service.name": "flag"}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			r, err := Resource(row.layers)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for _, kv := range r.Attributes() {
				got[string(kv.Key)] = kv.Value.AsString()
			}
			for key, want := range row.want {
				if got[key] != want {
					t.Errorf("%s is %q, want %q", key, got[key], want)
				}
			}
		})
	}
}

func TestResourceFaults(t *testing.T) {
	rows := []struct {
		name   string
		layers ResourceLayers
		want   string
	}{
		{"variable", ResourceLayers{Getenv: vars{"OTEL_RESOURCE_ATTRIBUTES": "a=1,b"}.get}, "OTEL_RESOURCE_ATTRIBUTES: entry 2: must be key=value"},
		{"bytes", ResourceLayers{Getenv: vars{"OTEL_RESOURCE_ATTRIBUTES": "a=%ff"}.get}, `OTEL_RESOURCE_ATTRIBUTES: entry 1: the decoded value of "a" must be UTF-8 text`},
		{"service name", ResourceLayers{Getenv: vars{"OTEL_SERVICE_NAME": "\xff"}.get}, `OTEL_SERVICE_NAME: resource attribute "service.name": name and value must be UTF-8 text`},
		{"long", ResourceLayers{ServiceName: strings.Repeat("x", maxAttribute+1)}, `resource attribute "service.name": name and value must be at most 4096 bytes`},
		{"all", ResourceLayers{ServiceName: "\xff", File: map[string]string{"": "x", "a": "\xff"}},
			"resource attribute: must have a name\nresource attribute \"a\": name and value must be UTF-8 text\nresource attribute \"service.name\": name and value must be UTF-8 text"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			if _, err := Resource(row.layers); err == nil || err.Error() != row.want {
				t.Errorf("got  %v\nwant %s", err, row.want)
			}
		})
	}
}

func FuzzParseResourceAttributes(f *testing.F) {
	f.Add("service.name=x,a=b%20c")
	f.Add("=,%,a=%ff")
	f.Fuzz(func(t *testing.T, list string) {
		attrs, err := ParseResourceAttributes(list)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("more than one line: %q", err)
			}
			return
		}
		for key, value := range attrs {
			if key == "" || !utf8.ValidString(key) || !utf8.ValidString(value) {
				t.Errorf("accepted %q=%q", key, value)
			}
		}
	})
}
