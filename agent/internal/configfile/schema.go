package configfile

import (
	"maps"

	"github.com/telltale-agent/telltale/exporters"
	"go.yaml.in/yaml/v3"
)

// The schema, from the root down. Each method visits one of its types; keys
// with nil are in the schema of OpenTelemetry and not supported.

const fileFormat = "1.0"

func (v *visitor) root(n *yaml.Node) *File {
	at := place{n, ""}
	file := &File{ResourceAttributes: map[string]string{}}
	known := keys{
		"file_format":                 v.choice(func(string) {}, fileFormat),
		"resource":                    func(at place) { v.resource(at, file.ResourceAttributes) },
		"meter_provider":              func(at place) { file.Targets = v.meterProvider(at) },
		"distribution":                v.distribution,
		"disabled":                    nil,
		"log_level":                   nil,
		"attribute_limits":            nil,
		"logger_provider":             nil,
		"tracer_provider":             nil,
		"propagator":                  nil,
		"instrumentation/development": nil,
	}
	if v.mapping(at, known) {
		v.required(at, "file_format")
	}
	return file
}

func (v *visitor) resource(at place, attributes map[string]string) {
	explicit := map[string]string{}
	v.mapping(at, keys{
		"attributes": func(at place) {
			v.list(at, func(at place) { v.attribute(at, explicit) })
		},
		"attributes_list": func(at place) {
			text, _, ok := v.text(at, false)
			if !ok {
				return
			}
			list, err := exporters.ParseResourceAttributes(text)
			if err != nil {
				v.fault(at, text, err.Error())
				return
			}
			maps.Copy(attributes, list)
		},
		"schema_url":            nil,
		"detection/development": nil,
	})
	maps.Copy(attributes, explicit) // wins over the list, whatever the order
}

func (v *visitor) attribute(at place, into map[string]string) {
	var name, value string
	given := false
	ok := v.mapping(at, keys{
		"name": v.set(&name),
		"type": v.choice(func(string) {}, "string"),
		"value": func(at place) {
			text, null, ok := v.text(at, false)
			value, given = text, ok && !null
		},
	})
	if !ok {
		return
	}
	v.required(at, "name")
	v.required(at, "value")
	if name != "" && given {
		v.once(at, into, name, value)
	}
}

// once adds a pair and reports a name that is there already.
func (v *visitor) once(at place, into map[string]string, name, value string) {
	if _, twice := into[name]; twice {
		v.fault(at, name, "must be given only once")
		return
	}
	into[name] = value
}

func (v *visitor) meterProvider(at place) (targets []exporters.Target) {
	ok := v.mapping(at, keys{
		"readers": func(at place) {
			v.list(at, func(at place) {
				if t, ok := v.reader(at); ok {
					targets = append(targets, t)
				}
			})
		},
		"views":                          nil,
		"exemplar_filter":                nil,
		"meter_configurator/development": nil,
	})
	if ok {
		v.required(at, "readers")
	}
	return targets
}

func (v *visitor) reader(at place) (t exporters.Target, ok bool) {
	known := keys{
		"periodic": func(at place) { t, ok = v.periodic(at) },
		"pull":     nil,
	}
	v.mapping(at, known)
	v.oneOf(at, known)
	return t, ok
}

func (v *visitor) periodic(at place) (exporters.Target, bool) {
	e := &exporter{places: map[string]place{}}
	found := v.mapping(at, keys{
		"interval":           e.at("interval", v.milliseconds(&e.target.Interval)),
		"timeout":            e.at("export_timeout", v.milliseconds(&e.target.ExportTimeout)),
		"exporter":           func(at place) { v.pushExporter(at, e) },
		"producers":          nil,
		"cardinality_limits": nil,
	})
	if !found {
		return exporters.Target{}, false
	}
	v.required(at, "exporter")
	if !e.found {
		return exporters.Target{}, false
	}
	v.targetFaults(e)
	return e.target, true
}

// targetFaults has the target checked as a whole, once it is complete, and
// puts its faults where the values stand.
func (v *visitor) targetFaults(e *exporter) {
	if e.faulty {
		return // for want of an endpoint everything else would be faulty, too
	}
	for _, fault := range e.target.Faults() {
		at, ok := e.places[fault.Field]
		switch {
		case ok:
		case fault.Field == "cert_file" || fault.Field == "key_file": // the missing one of the two
			at = place{e.place.Node, e.place.path + ".tls." + fault.Field}
		default:
			at = e.place
		}
		v.fault(at, fault.Value, fault.Reason())
	}
}

// distribution holds the sections of all distributions of OpenTelemetry. That
// of others is none of our business.
func (v *visitor) distribution(at place) {
	if at.Kind != yaml.MappingNode {
		v.fault(at, "", "must be a mapping with one section for each distribution, such as telltale")
		return
	}
	known := keys{}
	for i := 0; i < len(at.Content); i += 2 {
		known[at.Content[i].Value] = ignore
	}
	known["telltale"] = v.telltale
	v.mapping(at, known)
}

// telltale is the agent's own section. It has no keys yet.
func (v *visitor) telltale(at place) {
	if at.Kind == yaml.ScalarNode && at.ShortTag() == "!!null" {
		return
	}
	v.mapping(at, keys{})
}
