package exporters

import (
	"slices"
	"strings"
	"unicode/utf8"

	dto "github.com/prometheus/client_model/go"

	"github.com/telltale-agent/telltale/instruments"
)

// What prometheus.Registry checks it drops itself: names, duplicates, UTF-8.
// The checks here are about what it lets pass.

// maxLabelValue is the longest label value in bytes that a scrape shows. The
// registry's own handles keep to it; instruments of others are cut here.
const maxLabelValue = 256

// inspect takes out of the family what cannot be shown, and cuts label values
// that are too long.
func inspect(family *dto.MetricFamily, lost *losses) {
	kept, wasCut := family.Metric[:0], false
	for _, m := range family.Metric {
		if reason := unshowable(family.GetType(), m); reason != "" {
			lost.add(reason, family.GetName())
			continue
		}
		if cutLabels(m) {
			lost.altered(family.GetName())
			wasCut = true
		}
		kept = append(kept, m)
	}
	clear(family.Metric[len(kept):])
	family.Metric = kept
	if wasCut {
		dropDuplicates(family, lost)
	}
}

// unshowable says why a series must be left out, or "".
func unshowable(kind dto.MetricType, m *dto.Metric) instruments.ScrapeLossReason {
	switch kind {
	case dto.MetricType_HISTOGRAM, dto.MetricType_GAUGE_HISTOGRAM:
		if hasLabel(m, "le") {
			return instruments.LossReservedLabel
		}
		if !ascend(m.GetHistogram().GetBucket()) {
			return instruments.LossInvalidBucket
		}
	case dto.MetricType_SUMMARY:
		if hasLabel(m, "quantile") {
			return instruments.LossReservedLabel
		}
	}
	return ""
}

func hasLabel(m *dto.Metric, name string) bool {
	for _, l := range m.Label {
		if l.GetName() == name {
			return true
		}
	}
	return false
}

// ascend reports whether the bounds do, NaN among them makes it false.
func ascend(buckets []*dto.Bucket) bool {
	for i, b := range buckets {
		bound := b.GetUpperBound()
		if bound != bound || i > 0 && !(buckets[i-1].GetUpperBound() < bound) {
			return false
		}
	}
	return true
}

// cutLabels shortens label values and reports whether there was one to shorten.
// The pairs may belong to a metric that is shown again and again, and are
// replaced rather than changed.
func cutLabels(m *dto.Metric) bool {
	long := func(l *dto.LabelPair) bool { return len(l.GetValue()) > maxLabelValue }
	if !slices.ContainsFunc(m.Label, long) {
		return false
	}
	m.Label = slices.Clone(m.Label)
	for i, l := range m.Label {
		if long(l) {
			value := cutValue(l.GetValue())
			m.Label[i] = &dto.LabelPair{Name: l.Name, Value: &value}
		}
	}
	return true
}

// cutValue returns a copy, so that the rest can be collected, cut where a
// character begins.
func cutValue(value string) string {
	end := maxLabelValue
	for end > 0 && !utf8.RuneStart(value[end]) {
		end--
	}
	return strings.Clone(value[:end])
}

// dropDuplicates keeps the first of the series that became equal.
func dropDuplicates(family *dto.MetricFamily, lost *losses) {
	seen := make(map[string]bool, len(family.Metric))
	family.Metric = slices.DeleteFunc(family.Metric, func(m *dto.Metric) bool {
		key := labelKey(m)
		if seen[key] {
			lost.add(instruments.LossDuplicate, family.GetName())
			return true
		}
		seen[key] = true
		return false
	})
	slices.SortStableFunc(family.Metric, compareMetrics)
}

func labelKey(m *dto.Metric) string {
	var key strings.Builder
	for _, l := range m.Label {
		// 0xff is part of no UTF-8 text.
		key.WriteString(l.GetName())
		key.WriteByte(0xff)
		key.WriteString(l.GetValue())
		key.WriteByte(0xff)
	}
	return key.String()
}

// compareMetrics orders the series of a family as client_golang does.
func compareMetrics(a, b *dto.Metric) int {
	if len(a.Label) != len(b.Label) {
		return len(a.Label) - len(b.Label)
	}
	for i, l := range a.Label {
		if c := strings.Compare(l.GetValue(), b.Label[i].GetValue()); c != 0 {
			return c
		}
	}
	return 0
}
