package profiling

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

// The runtime writes profiles as a gzipped protocol buffer, perftools.profiles.Profile.
// The difference of two is made by entering both into one set of tables, the earlier
// one with its values negated. The field numbers are those of profile.proto; only what
// refers to another part of the profile has to be known, everything else is passed on.
const (
	fieldSampleType  = 1
	fieldSample      = 2
	fieldMapping     = 3
	fieldLocation    = 4
	fieldFunction    = 5
	fieldString      = 6
	fieldDropFrames  = 7
	fieldKeepFrames  = 8
	fieldDuration    = 10
	fieldPeriodType  = 11
	fieldComment     = 13
	fieldDefaultType = 14

	sampleLocation = 1
	sampleValue    = 2
	sampleLabel    = 3

	entryID = 1 // the first field of mappings, locations and functions
)

var errProfile = errors.New("the profile is malformed")

// difference returns the profile of what happened between two profiles of one process.
func difference(before, after []byte, took time.Duration) ([]byte, error) {
	t := newTables()
	header, err := t.enter(after, +1)
	if err != nil {
		return nil, fmt.Errorf("later profile: %w", err)
	}
	if _, err := t.enter(before, -1); err != nil {
		return nil, fmt.Errorf("earlier profile: %w", err)
	}
	header = appendVarintField(header, fieldDuration, uint64(took.Nanoseconds()))
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(t.encode(header)); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return packed.Bytes(), nil
}

// tables hold the parts that samples refer to, each once, and the samples by what they
// refer to.
type tables struct {
	strings   map[string]uint64
	texts     []string
	mappings  *table
	locations *table
	functions *table

	samples map[string]*sample
	order   []*sample
}

type sample struct {
	locations []byte // packed
	labels    []byte // whole fields
	values    []int64
}

func newTables() *tables {
	t := &tables{
		strings:   make(map[string]uint64),
		mappings:  newTable(fieldMapping),
		locations: newTable(fieldLocation),
		functions: newTable(fieldFunction),
		samples:   make(map[string]*sample),
	}
	t.text("") // the first string has to be empty
	return t
}

func (t *tables) text(s string) uint64 {
	if i, known := t.strings[s]; known {
		return i
	}
	i := uint64(len(t.texts))
	t.strings[s] = i
	t.texts = append(t.texts, s)
	return i
}

// enter adds a profile with its values multiplied by sign. The header is what remains of
// it: types, period and time, but not the duration.
func (t *tables) enter(packed []byte, sign int64) (header []byte, err error) {
	parts, err := split(packed)
	if err != nil {
		return nil, err
	}
	s := source{tables: t}
	for _, text := range parts[fieldString] {
		s.strings = append(s.strings, t.text(string(text.data)))
	}
	// In the order in which they refer to each other.
	if s.mappings, err = t.mappings.enter(parts[fieldMapping], rewriter{5: {to: s.text}, 6: {to: s.text}}); err != nil {
		return nil, err
	}
	if s.functions, err = t.functions.enter(parts[fieldFunction], rewriter{2: {to: s.text}, 3: {to: s.text}, 4: {to: s.text}}); err != nil {
		return nil, err
	}
	line := rewriter{1: {to: in(s.functions)}}
	if s.locations, err = t.locations.enter(parts[fieldLocation], rewriter{2: {to: in(s.mappings)}, 4: {within: line}}); err != nil {
		return nil, err
	}
	for _, f := range parts[fieldSample] {
		if err := s.enterSample(f.data, sign); err != nil {
			return nil, err
		}
	}
	return s.header(parts)
}

// source is a profile that is being entered: where its strings and locations are now.
type source struct {
	*tables
	strings   []uint64
	mappings  map[uint64]uint64
	functions map[uint64]uint64
	locations map[uint64]uint64
}

func (s *source) text(old uint64) (uint64, error) {
	if old >= uint64(len(s.strings)) {
		return 0, errProfile
	}
	return s.strings[old], nil
}

func (s *source) header(parts map[int][]field) (header []byte, err error) {
	kind := rewriter{1: {to: s.text}, 2: {to: s.text}}
	rules := rewriter{
		fieldSampleType:  {within: kind},
		fieldPeriodType:  {within: kind},
		fieldDropFrames:  {to: s.text},
		fieldKeepFrames:  {to: s.text},
		fieldComment:     {to: s.text},
		fieldDefaultType: {to: s.text},
	}
	for number := fieldSampleType; number <= fieldDefaultType; number++ {
		switch number {
		case fieldSample, fieldMapping, fieldLocation, fieldFunction, fieldString, fieldDuration:
			continue
		}
		for _, f := range parts[number] {
			if header, err = rules.append(header, f); err != nil {
				return nil, err
			}
		}
	}
	return header, nil
}

func (s *source) enterSample(message []byte, sign int64) error {
	var locations, values []uint64
	var labels []byte
	label := rewriter{1: {to: s.text}, 2: {to: s.text}, 4: {to: s.text}}
	err := fields(message, func(f field) (err error) {
		switch f.number {
		case sampleLocation:
			locations, err = f.appendNumbers(locations)
		case sampleValue:
			values, err = f.appendNumbers(values)
		case sampleLabel:
			labels, err = rewriter{sampleLabel: {within: label}}.append(labels, f)
		}
		return err
	})
	if err != nil {
		return err
	}
	var stack []byte
	for _, old := range locations {
		location, err := in(s.locations)(old)
		if err != nil {
			return err
		}
		stack = binary.AppendUvarint(stack, location)
	}
	return s.add(stack, labels, values, sign)
}

// add sums up the values of equal stacks with equal labels.
func (t *tables) add(stack, labels []byte, values []uint64, sign int64) error {
	key := fmt.Sprintf("%d.%s%s", len(stack), stack, labels)
	known := t.samples[key]
	if known == nil {
		known = &sample{locations: stack, labels: labels, values: make([]int64, len(values))}
		t.samples[key] = known
		t.order = append(t.order, known)
	}
	if len(known.values) != len(values) {
		return errProfile
	}
	for i, v := range values {
		known.values[i] += sign * int64(v)
	}
	return nil
}

// encode writes the tables behind the header. Samples that did not change are left out.
func (t *tables) encode(header []byte) []byte {
	out := header
	for _, s := range t.order {
		var values []byte
		changed := false
		for _, v := range s.values {
			changed = changed || v != 0
			values = binary.AppendUvarint(values, uint64(v))
		}
		if !changed {
			continue
		}
		message := appendBytesField(nil, sampleLocation, s.locations)
		message = appendBytesField(message, sampleValue, values)
		out = appendBytesField(out, fieldSample, append(message, s.labels...))
	}
	for _, part := range []*table{t.mappings, t.locations, t.functions} {
		out = append(out, part.encoded...)
	}
	for _, text := range t.texts {
		out = appendBytesField(out, fieldString, []byte(text))
	}
	return out
}

// split unpacks a profile and groups its fields by number.
func split(packed []byte) (map[int][]field, error) {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	message, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	parts := make(map[int][]field)
	err = fields(message, func(f field) error {
		parts[f.number] = append(parts[f.number], f)
		return nil
	})
	return parts, err
}
