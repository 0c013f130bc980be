package instruments

// External is the declaration of a metric that another instrumentation creates
// and records. It stands in the catalogue so that it is documented, and so that
// nothing else takes its name.
type External struct{ row *row }

// external declares a metric that another instrumentation creates under the
// OpenTelemetry name semConv, and that scrapes show as spec.Name.
func external(kind Kind, spec Spec, semConv string, labels ...string) External {
	d := External{row: newRow(kind, spec)}
	d.row.Labels, d.row.SemConv, d.row.Sampled = labels, semConv, true
	return Must(d, theCatalogue.add(d.row, 1))
}

// Declaration returns the row of the catalogue.
func (d External) Declaration() Declaration { return d.row.declaration() }
