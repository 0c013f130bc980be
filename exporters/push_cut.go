package exporters

import (
	"slices"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/telltale-agent/telltale/instruments"
)

// cutLabels shortens the label values that a scrape would show shortened. Those
// of the registry's own handles are short; one of an embedder's, with the text
// of a request in it, could make the push larger than the collector takes.
func (c *cleaner) cutLabels(m *metricdata.Metrics) {
	data, cut := pointsOf(m.Data).relabelled(cutSet)
	if cut == 0 {
		return
	}
	if c.cut == nil {
		c.cut = map[string]int{}
	}
	c.cut[m.Name] += cut
	seen := map[attribute.Distinct]bool{}
	first := func(set attribute.Set) bool {
		again := seen[set.Equivalent()]
		seen[set.Equivalent()] = true
		return !again
	}
	data, dropped := pointsOf(data).only(first)
	c.drop(instruments.PushDropDuplicate, dropped)
	m.Data = data
}

// cutSet returns the set with texts of at most maxLabelValue bytes, and whether
// it had longer ones.
func cutSet(set attribute.Set) (attribute.Set, bool) {
	if !hasLong(set) {
		return set, false
	}
	attributes := set.ToSlice()
	for i, kv := range attributes {
		if isLong(kv) {
			attributes[i].Value = cutText(kv.Value)
		}
	}
	return attribute.NewSet(attributes...), true
}

func hasLong(set attribute.Set) bool {
	for iter := set.Iter(); iter.Next(); {
		if isLong(iter.Attribute()) {
			return true
		}
	}
	return false
}

func isLong(kv attribute.KeyValue) bool {
	switch kv.Value.Type() {
	case attribute.STRING:
		return len(kv.Value.AsString()) > maxLabelValue
	case attribute.STRINGSLICE:
		return slices.ContainsFunc(kv.Value.AsStringSlice(), func(s string) bool { return len(s) > maxLabelValue })
	}
	return false
}

func cutText(v attribute.Value) attribute.Value {
	if v.Type() == attribute.STRING {
		return attribute.StringValue(cutValue(v.AsString()))
	}
	texts := v.AsStringSlice() // a copy
	for i, s := range texts {
		if len(s) > maxLabelValue {
			texts[i] = cutValue(s)
		}
	}
	return attribute.StringSliceValue(texts)
}
