package exporters

import (
	"slices"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"go.opentelemetry.io/otel/attribute"

	"github.com/telltale-agent/telltale/instruments"
)

// zeroFiller adds the histograms that the SDK leaves out because nothing was
// recorded yet. Whether one is missing is decided on what was gathered, so that
// a first value recorded meanwhile can neither double the series nor lose it.
type zeroFiller struct {
	scopeInfo bool

	// made holds, by the name of the metric, its series at zero. They are shown
	// again and again and never changed. The sets of a metric never change.
	made map[string][]*dto.Metric
}

// fill returns the families with what was missing, in the same order.
func (z *zeroFiller) fill(families []*dto.MetricFamily, zeros []instruments.ZeroHistogram, lost *losses) []*dto.MetricFamily {
	gathered := len(families)
	for _, zero := range zeros {
		i, ok := find(families[:gathered], zero.Name)
		switch {
		case !ok:
			families = append(families, z.family(zero))
		case families[i].GetType() != dto.MetricType_HISTOGRAM:
			// A declared metric wins over any other of its name.
			lost.addMany(instruments.LossConflict, zero.Name, len(families[i].Metric))
			families[i] = z.family(zero)
		default:
			z.complete(families[i], zero)
		}
	}
	if len(families) > gathered {
		slices.SortFunc(families, compareFamilies)
	}
	return families
}

func (z *zeroFiller) family(zero instruments.ZeroHistogram) *dto.MetricFamily {
	return &dto.MetricFamily{
		Name:   &zero.Name,
		Help:   &zero.Help,
		Type:   dto.MetricType_HISTOGRAM.Enum(),
		Metric: slices.Clone(z.metrics(zero)),
	}
}

// complete adds the series that the family does not have.
func (z *zeroFiller) complete(family *dto.MetricFamily, zero instruments.ZeroHistogram) {
	gathered := len(family.Metric)
	for _, m := range z.metrics(zero) {
		if !hasSeries(family.Metric[:gathered], m) {
			family.Metric = append(family.Metric, m)
		}
	}
	if len(family.Metric) > gathered {
		slices.SortStableFunc(family.Metric, compareMetrics)
	}
}

func hasSeries(metrics []*dto.Metric, wanted *dto.Metric) bool {
	return slices.ContainsFunc(metrics, func(m *dto.Metric) bool {
		return slices.EqualFunc(m.Label, wanted.Label, func(a, b *dto.LabelPair) bool {
			return a.GetName() == b.GetName() && a.GetValue() == b.GetValue()
		})
	})
}

func (z *zeroFiller) metrics(zero instruments.ZeroHistogram) []*dto.Metric {
	if made, ok := z.made[zero.Name]; ok {
		return made
	}
	made := make([]*dto.Metric, len(zero.Sets))
	for i, set := range zero.Sets {
		made[i] = &dto.Metric{Label: z.labels(set), Histogram: zeroHistogram(zero.Buckets)}
	}
	slices.SortFunc(made, compareMetrics)
	if z.made == nil {
		z.made = make(map[string][]*dto.Metric)
	}
	z.made[zero.Name] = made
	return made
}

// labels gives the set as the exporter does. Names of declared labels come out
// as they are.
func (z *zeroFiller) labels(set attribute.Set) []*dto.LabelPair {
	var labels []*dto.LabelPair
	for _, kv := range set.ToSlice() {
		labels = append(labels, labelPair(string(kv.Key), kv.Value.AsString()))
	}
	if z.scopeInfo {
		labels = append(labels, labelPair("otel_scope_name", instruments.Scope),
			labelPair("otel_scope_schema_url", ""), labelPair("otel_scope_version", ""))
	}
	slices.SortFunc(labels, func(a, b *dto.LabelPair) int { return strings.Compare(a.GetName(), b.GetName()) })
	return labels
}

func labelPair(name, value string) *dto.LabelPair {
	return &dto.LabelPair{Name: &name, Value: &value}
}

func zeroHistogram(bounds []float64) *dto.Histogram {
	h := &dto.Histogram{SampleCount: new(uint64), SampleSum: new(float64)}
	for _, bound := range bounds {
		h.Bucket = append(h.Bucket, &dto.Bucket{UpperBound: &bound, CumulativeCount: new(uint64)})
	}
	return h
}

// find looks a family up by its name; families are sorted by it.
func find(families []*dto.MetricFamily, name string) (int, bool) {
	return slices.BinarySearchFunc(families, name, func(f *dto.MetricFamily, name string) int {
		return strings.Compare(f.GetName(), name)
	})
}

func compareFamilies(a, b *dto.MetricFamily) int {
	return strings.Compare(a.GetName(), b.GetName())
}
