package instruments

import (
	"fmt"
	"reflect"
	"slices"
)

// declaredBy is the number of stack frames from catalogue.add up to the line
// that declares: the constructor, and the function that called it.
const declaredBy = 2

func newRow(kind Kind, spec Spec) *row {
	return &row{Declaration: Declaration{
		Name:      spec.Name,
		Kind:      kind,
		Unit:      spec.Unit,
		Help:      spec.Help,
		When:      spec.When,
		Recorder:  spec.Recorder,
		Buckets:   spec.Buckets,
		Component: spec.Component,
		Sampled:   spec.Sampled,
	}}
}

// newLabelledRow is newRow with the labels L and the label sets known beforehand.
func newLabelledRow[L comparable](kind Kind, spec Spec, known []L) (*row, labelCodec[L]) {
	r := newRow(kind, spec)
	r.addLabels(reflect.TypeFor[L](), reflect.ValueOf(known))
	return r, labelCodec[L]{r.Labels}
}

// addLabels adds the labels of a struct type, and known, which is a slice of it.
func (r *row) addLabels(t reflect.Type, known reflect.Value) {
	names, err := labelNamesOf(t)
	if err != nil {
		r.fault = err
		return
	}
	r.Labels = names
	for i := range known.Len() {
		set := reflect.New(t).Elem()
		set.Set(known.Index(i))
		alteration := names.clean(set)
		r.addKnown(names.values(set), alteration)
	}
}

// addKnown adds a label set that is known beforehand.
func (r *row) addKnown(values []string, alteration alteration) {
	same := func(other []string) bool { return slices.Equal(other, values) }
	if alteration != unaltered || slices.ContainsFunc(r.Known, same) {
		r.fault = fmt.Errorf("known label set %q: the sets must differ and be UTF-8 text of at most %d bytes", values, maxLabelValue)
	}
	r.Known = append(r.Known, values)
}
