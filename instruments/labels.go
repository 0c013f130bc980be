package instruments

import (
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"

	"go.opentelemetry.io/otel/attribute"
)

// maxLabelValue is the longest label value in bytes; what is longer is cut.
const maxLabelValue = 256

// labelCodec turns the label struct L into attributes. Fields are strings, or
// types made of string, and carry the label's name in a tag:
//
//	type Store struct {
//		Component StoreKind `label:"component"`
//	}
//
// It is a thin typed layer over labelNames: each label struct brings code of its
// own for whatever is generic.
type labelCodec[L comparable] struct{ names labelNames }

// set gives the attributes of l.
func (c labelCodec[L]) set(l L) attribute.Set { return c.names.set(reflect.ValueOf(l)) }

// clean returns l with values that every exit can encode, and what it changed.
func (c labelCodec[L]) clean(l L) (L, alteration) {
	changed := c.names.clean(reflect.ValueOf(&l).Elem())
	return l, changed
}

// labelNames are the names of the labels in the order of the struct's fields.
type labelNames []string

func labelNamesOf(t reflect.Type) (labelNames, error) {
	if t.Kind() != reflect.Struct || t.NumField() == 0 {
		return nil, fmt.Errorf("labels %s: want a struct with a field for each label", t)
	}
	var names labelNames
	for i := range t.NumField() {
		field := t.Field(i)
		name := field.Tag.Get("label")
		if name == "" || field.Type.Kind() != reflect.String || !field.IsExported() {
			return nil, fmt.Errorf("labels %s: field %s: want an exported string with a tag such as `label:\"name\"`", t, field.Name)
		}
		names = append(names, name)
	}
	return names, nil
}

func (names labelNames) values(l reflect.Value) []string {
	values := make([]string, len(names))
	for i := range values {
		values[i] = l.Field(i).String()
	}
	return values
}

func (names labelNames) set(l reflect.Value) attribute.Set {
	attrs := make([]attribute.KeyValue, len(names))
	for i, name := range names {
		attrs[i] = attribute.String(name, l.Field(i).String())
	}
	return attribute.NewSet(attrs...)
}

// clean changes the fields of l, which must be addressable.
func (names labelNames) clean(l reflect.Value) alteration {
	changed := unaltered
	for i := range names {
		fixed, alteration := cleanLabelValue(l.Field(i).String())
		if alteration != unaltered {
			l.Field(i).SetString(fixed)
			changed = alteration
		}
	}
	return changed
}

// alteration says what had to be changed about a label value.
type alteration string

const (
	unaltered   alteration = ""
	invalidUTF8 alteration = "invalid_utf8" // bytes that are no text became U+FFFD
	tooLong     alteration = "too_long"     // cut to maxLabelValue bytes
)

func cleanLabelValue(value string) (string, alteration) {
	changed := unaltered
	if len(value) > maxLabelValue {
		// Cut first: the rest may be megabytes. One rune more is looked at, so
		// that a character across the edge goes as a whole.
		end := maxLabelValue
		for end > maxLabelValue-utf8.UTFMax && !utf8.RuneStart(value[end]) {
			end--
		}
		value, changed = value[:end], tooLong
	}
	if utf8.ValidString(value) {
		return value, changed
	}
	value = strings.ToValidUTF8(value, "\uFFFD")
	if len(value) > maxLabelValue {
		value, _ = cleanLabelValue(value)
	}
	return value, invalidUTF8
}
