package exporters

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/telltale-agent/telltale/instruments"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/resource"
)

// cleaner makes what the SDK collected fit for one protobuf message: one bad
// point would otherwise cost the whole export. It leaves out such points,
// mends texts that are mere decoration, and counts. What it changes is owned
// by the collection; label sets and bounds, which the SDK shares, it only reads.
type cleaner struct {
	dropped map[instruments.PushDropReason]int64
	cut     map[string]int // points with a label value that was cut, by metric
}

func (c *cleaner) drop(reason instruments.PushDropReason, n int) {
	if n > 0 {
		if c.dropped == nil {
			c.dropped = map[instruments.PushDropReason]int64{}
		}
		c.dropped[reason] += int64(n)
	}
}

// clean goes through everything in rm.
func (c *cleaner) clean(rm *metricdata.ResourceMetrics) {
	rm.Resource = cleanResource(rm.Resource)
	for i := range rm.ScopeMetrics {
		sm := &rm.ScopeMetrics[i]
		sm.Scope = cleanScope(sm.Scope)
		c.metrics(sm)
	}
}

func (c *cleaner) metrics(sm *metricdata.ScopeMetrics) {
	names := make(map[string]int, len(sm.Metrics)) // index in kept, by name
	kept := sm.Metrics[:0]
	for _, m := range sm.Metrics {
		if !c.metric(&m) {
			continue
		}
		if at, twice := names[m.Name]; twice {
			c.merge(&kept[at], m)
			continue
		}
		names[m.Name] = len(kept)
		kept = append(kept, m)
	}
	clear(sm.Metrics[len(kept):])
	sm.Metrics = kept
}

// metric cleans the points of m. It reports false if nothing is left to send.
func (c *cleaner) metric(m *metricdata.Metrics) bool {
	m.Description = validText(m.Description)
	m.Unit = validText(m.Unit)
	p := pointsOf(m.Data)
	switch {
	case p == nil:
		c.drop(instruments.PushDropInvalid, 1)
		return false
	case !utf8.ValidString(m.Name):
		c.drop(instruments.PushDropInvalid, p.len())
		return false
	}
	data, dropped := p.only(validPoint)
	c.drop(instruments.PushDropInvalid, dropped)
	m.Data = data
	c.cutLabels(m)
	return dropped == 0 || dropped < p.len()
}

// merge adds to m the points of another metric of its name, other than those
// whose series m has.
func (c *cleaner) merge(m *metricdata.Metrics, other metricdata.Metrics) {
	mine, theirs := pointsOf(m.Data), pointsOf(other.Data)
	seen := make(map[attribute.Distinct]bool, mine.len())
	for set := range mine.sets() {
		seen[set.Equivalent()] = true
	}
	data, dropped := theirs.only(func(set attribute.Set) bool { return !seen[set.Equivalent()] })
	joined, ok := mine.with(data)
	if !ok {
		c.drop(instruments.PushDropDuplicate, theirs.len())
		return
	}
	c.drop(instruments.PushDropDuplicate, dropped)
	m.Data = joined
}

func validPoint(set attribute.Set) bool {
	for iter := set.Iter(); iter.Next(); {
		if kv := iter.Attribute(); !validKeyValue(kv) {
			return false
		}
	}
	return true
}

func validKeyValue(kv attribute.KeyValue) bool {
	return utf8.ValidString(string(kv.Key)) && validValue(kv.Value)
}

func validValue(v attribute.Value) bool {
	switch v.Type() {
	case attribute.STRING:
		return utf8.ValidString(v.AsString())
	case attribute.STRINGSLICE:
		return !slices.ContainsFunc(v.AsStringSlice(), func(s string) bool { return !utf8.ValidString(s) })
	case attribute.SLICE:
		return !slices.ContainsFunc(v.AsSlice(), func(v attribute.Value) bool { return !validValue(v) })
	case attribute.MAP:
		return !slices.ContainsFunc(v.AsMap(), func(kv attribute.KeyValue) bool { return !validKeyValue(kv) })
	}
	return true
}

func validText(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

func cleanScope(s instrumentation.Scope) instrumentation.Scope {
	s.Name, s.Version, s.SchemaURL = validText(s.Name), validText(s.Version), validText(s.SchemaURL)
	s.Attributes = onlyValid(s.Attributes)
	return s
}

func onlyValid(set attribute.Set) attribute.Set {
	if validPoint(set) {
		return set
	}
	valid, _ := set.Filter(validKeyValue)
	return valid
}

func cleanResource(r *resource.Resource) *resource.Resource {
	if r == nil || validPoint(*r.Set()) && utf8.ValidString(r.SchemaURL()) {
		return r
	}
	valid := onlyValid(*r.Set())
	return resource.NewWithAttributes(validText(r.SchemaURL()), valid.ToSlice()...)
}
