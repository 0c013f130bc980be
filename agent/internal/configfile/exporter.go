package configfile

import (
	"maps"
	"net/url"
	"strings"

	"github.com/telltale-agent/telltale/exporters"
	"go.yaml.in/yaml/v3"
)

// What an exporter without an endpoint pushes to, as the schema says.
const (
	defaultHTTP = "http://localhost:4318/v1/metrics"
	defaultGRPC = "http://localhost:4317"
)

// exporter is a target in the making.
type exporter struct {
	target   exporters.Target
	place    place            // of the exporter
	places   map[string]place // of the fields of the target, by the names that its faults use
	found    bool             // there is one
	faulty   bool             // its endpoint cannot be used
	endpoint string
	insecure bool
	list     map[string]string // headers_list
	headers  map[string]string
}

// at returns visit with the place noted as that of a field of the target.
func (e *exporter) at(field string, visit func(place)) func(place) {
	return func(p place) {
		e.places[field] = p
		visit(p)
	}
}

func (v *visitor) pushExporter(at place, e *exporter) {
	known := keys{
		"otlp_http":             func(at place) { v.otlpHTTP(at, e) },
		"otlp_grpc":             func(at place) { v.otlpGRPC(at, e) },
		"otlp_file/development": nil,
		"console":               nil,
	}
	v.mapping(at, known)
	v.oneOf(at, known)
}

func (v *visitor) otlpHTTP(at place, e *exporter) {
	known := v.otlp(e)
	known["encoding"] = v.choice(func(string) {}, "protobuf")
	known["tls"] = func(at place) { v.tls(at, v.tlsFiles(e)) }
	if !v.exporter(at, e, known, defaultHTTP) {
		return
	}
	u, err := url.Parse(e.endpoint)
	if err == nil && (u.Scheme == "grpc" || u.Scheme == "grpcs") {
		v.endpointFault(e, "must begin with http:// or https://; for gRPC use otlp_grpc")
		return
	}
	e.target.URL = e.endpoint
}

func (v *visitor) otlpGRPC(at place, e *exporter) {
	known := v.otlp(e)
	known["tls"] = func(at place) {
		files := v.tlsFiles(e)
		files["insecure"] = e.at("insecure", v.boolean(&e.insecure))
		v.tls(at, files)
	}
	if !v.exporter(at, e, known, defaultGRPC) {
		return
	}
	if e.insecure && (strings.HasPrefix(e.endpoint, "https://") || strings.HasPrefix(e.endpoint, "grpcs://")) {
		v.fault(e.places["insecure"], "true", "must be left out, since the endpoint asks for TLS")
	}
	t, err := exporters.GRPCTarget(e.endpoint, e.insecure)
	if err != nil {
		v.endpointFault(e, "must be host:4317, http://host:4317 or https://host:4317, without path, query and credentials")
		return
	}
	e.target.URL = t.URL
}

// endpointFault does not show the endpoint, since it cannot be told what of it
// is secret.
func (v *visitor) endpointFault(e *exporter, allowed string) {
	e.faulty = true
	at, ok := e.places["url"]
	if !ok {
		at = e.place
	}
	v.fault(at, "", allowed)
}

// exporter visits what both protocols have. It reports false if that is not
// even a mapping.
func (v *visitor) exporter(at place, e *exporter, known keys, endpoint string) bool {
	e.place, e.endpoint = at, endpoint
	empty := at.Kind == yaml.ScalarNode && at.ShortTag() == "!!null" // all defaults
	e.found = empty || v.mapping(at, known)
	if e.found && (e.list != nil || e.headers != nil) {
		e.target.Headers = map[string]string{}
		maps.Copy(e.target.Headers, e.headers)
		for name, value := range e.list {
			if !hasHeader(e.headers, name) {
				e.target.Headers[name] = value
			}
		}
	}
	return e.found
}

func hasHeader(headers map[string]string, name string) bool {
	for have := range headers {
		if strings.EqualFold(have, name) {
			return true
		}
	}
	return false
}

// otlp is the keys that both protocols have in common.
func (v *visitor) otlp(e *exporter) keys {
	return keys{
		"endpoint":     e.at("url", v.set(&e.endpoint)),
		"headers":      e.at("headers", func(at place) { v.headers(at, e) }),
		"headers_list": e.at("headers", func(at place) { v.headersList(at, e) }),
		"timeout":      e.at("timeout", v.milliseconds(&e.target.Timeout)),
		"compression": e.at("compression", v.choice(func(s string) {
			e.target.Compression = exporters.Compression(s)
		}, "gzip", "none")),
		"temporality_preference": e.at("temporality", v.choice(func(s string) {
			// The one preference whose spelling here differs from that in variables.
			e.target.Temporality = exporters.Temporality(strings.ReplaceAll(s, "low_memory", "lowmemory"))
		}, "cumulative", "delta", "low_memory")),
		"default_histogram_aggregation": v.choice(func(string) {}, "explicit_bucket_histogram"),
	}
}

func (v *visitor) headers(at place, e *exporter) {
	e.headers = map[string]string{}
	v.list(at, func(at place) {
		var name, value string
		given := false
		ok := v.mapping(at, keys{
			"name": v.set(&name),
			"value": func(at place) {
				text, null, ok := v.text(at, true)
				value, given = text, ok && !null
			},
		})
		if !ok {
			return
		}
		v.required(at, "name")
		v.required(at, "value")
		if name != "" && given {
			v.once(at, e.headers, name, value)
		}
	})
}

func (v *visitor) headersList(at place, e *exporter) {
	text, null, ok := v.text(at, true)
	if !ok || null {
		return
	}
	list, err := exporters.ParseHeaders(text)
	if err != nil {
		v.fault(at, "", err.Error())
		return
	}
	e.list = list
}

func (v *visitor) tls(at place, known keys) {
	if at.Kind == yaml.ScalarNode && at.ShortTag() == "!!null" {
		return
	}
	v.mapping(at, known)
}

func (v *visitor) tlsFiles(e *exporter) keys {
	return keys{
		"ca_file":   e.at("ca_file", v.set(&e.target.CAFile)),
		"cert_file": e.at("cert_file", v.set(&e.target.CertFile)),
		"key_file":  e.at("key_file", v.set(&e.target.KeyFile)),
	}
}
