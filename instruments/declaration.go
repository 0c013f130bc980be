package instruments

import (
	"iter"
	"slices"
)

// Spec is what the author of a metric writes down. Labels are not in it: they
// are the fields of the struct type that the declaration is made with.
type Spec struct {
	// Name is the name at every exit, exactly: a letter, then letters, digits
	// and underscores, at most 255 bytes. Nothing is ever added to it.
	Name string

	// Unit is a UCUM unit ("s", "By", "%", "1") or an annotation in braces
	// ("{request}"). It travels over OTLP and never changes the name.
	Unit string

	// Help is one line that says what the metric means.
	Help string

	// When says when, and by which part, the metric is recorded. It is for the
	// documentation only.
	When string

	// Recorder is the package, by its path within the module, that records the
	// metric. Whoever uses it need not touch the metric. It is for the
	// documentation only; an embedder's own metric may leave it empty.
	Recorder string

	// Buckets are the upper bounds of a histogram, ascending and finite; the
	// last bucket, up to infinity, is implied. Other kinds have none.
	Buckets []float64

	// Component names the part of the system that the metric tells about.
	Component string

	// Sampled metrics are read by a source at each collection (see
	// [Registry.Observe]) and are absent where no source can read them. All
	// others show zero before anything happens.
	Sampled bool
}

// Declaration is one row of the catalogue: a copy that the reader may keep and
// change. What is not said here is said at the field of that name in [Spec].
type Declaration struct {
	Name      string
	Kind      Kind
	Unit      string
	Help      string
	When      string
	Recorder  string     // package that records the metric; empty if the embedder's own does not say
	Labels    []string   // label names, in the order of the label struct's fields
	Known     [][]string // label values known beforehand, one entry for each label set
	Buckets   []float64
	Component string
	Sampled   bool

	// SemConv is the name under which another instrumentation creates the metric,
	// and under which it goes over OTLP; in Name its dots are underscores, as
	// Prometheus demands. Empty for everything that this registry creates itself.
	SemConv string
}

func (d Declaration) clone() Declaration {
	d.Labels = slices.Clone(d.Labels)
	d.Buckets = slices.Clone(d.Buckets)
	known := make([][]string, len(d.Known))
	for i, values := range d.Known {
		known[i] = slices.Clone(values)
	}
	d.Known = known
	return d
}

// All iterates over every declaration of the process, an embedder's own
// included, in the order in which they were made. It is safe for concurrent
// use with further declarations, which it may or may not see.
func All() iter.Seq[Declaration] {
	return func(yield func(Declaration) bool) {
		for _, r := range theCatalogue.snapshot() {
			if !yield(r.Declaration.clone()) {
				return
			}
		}
	}
}

// Must unwraps the result of a Declare function in a package variable. It
// panics on an error: such a declaration is a mistake in the program's text,
// found at its first start.
func Must[D any](declaration D, err error) D {
	if err != nil {
		panic(err)
	}
	return declaration
}
