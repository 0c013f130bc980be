package exporters

import (
	"fmt"
	"maps"
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	dto "github.com/prometheus/client_model/go"

	"github.com/telltale-agent/telltale/instruments"
)

// family makes a family whose series have the label sets given as
// name=value,name=value.
func family(kind dto.MetricType, name string, series ...string) *dto.MetricFamily {
	f := &dto.MetricFamily{Name: &name, Type: kind.Enum()}
	for i, labels := range series {
		value := float64(i)
		m := &dto.Metric{}
		switch kind {
		case dto.MetricType_HISTOGRAM:
			m.Histogram = zeroHistogram([]float64{1, 2})
		case dto.MetricType_SUMMARY:
			m.Summary = &dto.Summary{}
		default:
			m.Gauge = &dto.Gauge{Value: &value}
		}
		for item := range strings.SplitSeq(labels, ",") {
			if label, value, ok := strings.Cut(item, "="); ok {
				m.Label = append(m.Label, labelPair(label, value))
			}
		}
		f.Metric = append(f.Metric, m)
	}
	return f
}

func seriesOf(f *dto.MetricFamily) string {
	var out []string
	for _, m := range f.Metric {
		var labels []string
		for _, l := range m.Label {
			labels = append(labels, l.GetName()+"="+l.GetValue())
		}
		out = append(out, strings.Join(labels, ","))
	}
	return strings.Join(out, " ")
}

func TestInspect(t *testing.T) {
	long := strings.Repeat("x", 300)
	cut := strings.Repeat("x", 256)
	for _, row := range []struct {
		name    string
		family  *dto.MetricFamily
		want    string
		dropped map[instruments.ScrapeLossReason]int
		cut     int
	}{
		{name: "nothing wrong", family: family(dto.MetricType_GAUGE, "g", "", "a=b", "le=1,quantile=2"), want: " a=b le=1,quantile=2"},
		{
			name: "le on a histogram", family: family(dto.MetricType_HISTOGRAM, "h", "a=1", "a=1,le=x", "a=2"), want: "a=1 a=2",
			dropped: map[instruments.ScrapeLossReason]int{instruments.LossReservedLabel: 1},
		},
		{
			name: "quantile on a summary", family: family(dto.MetricType_SUMMARY, "s", "quantile=1", "le=1"), want: "le=1",
			dropped: map[instruments.ScrapeLossReason]int{instruments.LossReservedLabel: 1},
		},
		{name: "256 bytes", family: family(dto.MetricType_GAUGE, "g", "a="+cut), want: "a=" + cut},
		{name: "long", family: family(dto.MetricType_GAUGE, "g", "a="+long, "b=2"), want: "b=2 a=" + cut, cut: 1},
		{
			name: "equal when cut", family: family(dto.MetricType_GAUGE, "g", "a="+cut, "a="+long, "a="+long+"y", "b=1"), want: "b=1 a=" + cut, cut: 2,
			dropped: map[instruments.ScrapeLossReason]int{instruments.LossDuplicate: 2},
		},
		{name: "cut before a character", family: family(dto.MetricType_GAUGE, "g", "a="+cut[:255]+"é…"), want: "a=" + cut[:255], cut: 1},
		{
			name: "all gone", family: family(dto.MetricType_HISTOGRAM, "h", "le=1", "le=2"), want: "",
			dropped: map[instruments.ScrapeLossReason]int{instruments.LossReservedLabel: 2},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			var lost losses
			inspect(row.family, &lost)
			if got := seriesOf(row.family); got != row.want {
				t.Errorf("got %q, want %q", got, row.want)
			}
			dropped := make(map[instruments.ScrapeLossReason]int)
			for reason, at := range lost.dropped {
				dropped[reason] = at.series
			}
			if !maps.Equal(dropped, row.dropped) {
				t.Errorf("dropped %v, want %v", dropped, row.dropped)
			}
			if got := lost.cut[row.family.GetName()]; got != row.cut {
				t.Errorf("cut %d, want %d", got, row.cut)
			}
		})
	}
}

func TestInspectBuckets(t *testing.T) {
	for _, row := range []struct {
		bounds []float64
		kept   bool
	}{
		{nil, true},
		{[]float64{-1, 0, 1}, true},
		{[]float64{1, math.Inf(1)}, true},
		{[]float64{1, 1}, false},
		{[]float64{2, 1}, false},
		{[]float64{math.NaN()}, false},
		{[]float64{1, math.NaN(), 2}, false},
	} {
		f := family(dto.MetricType_HISTOGRAM, "h", "")
		f.Metric[0].Histogram = zeroHistogram(row.bounds)
		var lost losses
		if inspect(f, &lost); len(f.Metric) == 1 != row.kept {
			t.Errorf("%v: kept %v, want %v", row.bounds, !row.kept, row.kept)
		}
	}
}

func TestCutKeepsWhatIsShared(t *testing.T) {
	pair := labelPair("a", strings.Repeat("x", 300))
	m := &dto.Metric{Label: []*dto.LabelPair{pair}}
	labels := m.Label
	if !cutLabels(m) || labels[0] != pair || len(pair.GetValue()) != 300 {
		t.Error("the pair was changed: it may belong to a metric that another scrape encodes")
	}
}

func FuzzCutValue(f *testing.F) {
	f.Add(strings.Repeat("x", 254), "é…𝄞")
	f.Fuzz(func(t *testing.T, head, tail string) {
		value := head + tail
		if len(value) <= maxLabelValue {
			return
		}
		cut := cutValue(value)
		if len(cut) > maxLabelValue || !strings.HasPrefix(value, cut) {
			t.Errorf("%q became %q", value, cut)
		}
		if utf8.ValidString(value) && (!utf8.ValidString(cut) || len(cut) <= maxLabelValue-utf8.UTFMax) {
			t.Errorf("%q was cut badly to %q", value, cut)
		}
	})
}

func TestZeroFill(t *testing.T) {
	b := newBridge(t, PrometheusOptions{})
	var wanted []instruments.ZeroHistogram
	for _, z := range b.registry.ZeroHistograms() {
		if strings.HasPrefix(z.Name, "scrapetest_") {
			wanted = append(wanted, z)
		}
	}
	for _, row := range []struct {
		name     string
		families []*dto.MetricFamily
		want     string
		lost     int
	}{
		{"nothing there", nil, "scrapetest_seconds{} scrapetest_sizes{method=get,path=b method=put,path=b}", 0},
		{
			"others there", []*dto.MetricFamily{family(dto.MetricType_GAUGE, "a", ""), family(dto.MetricType_GAUGE, "z", "")},
			"a{} scrapetest_seconds{} scrapetest_sizes{method=get,path=b method=put,path=b} z{}", 0,
		},
		{
			"all there", []*dto.MetricFamily{
				family(dto.MetricType_HISTOGRAM, "scrapetest_seconds", ""),
				family(dto.MetricType_HISTOGRAM, "scrapetest_sizes", "method=get,path=b", "method=put,path=b"),
			},
			"scrapetest_seconds{} scrapetest_sizes{method=get,path=b method=put,path=b}", 0,
		},
		{
			"one there, and one more", []*dto.MetricFamily{
				family(dto.MetricType_HISTOGRAM, "scrapetest_sizes", "method=new,path=b", "method=put,path=b"),
			},
			"scrapetest_seconds{} scrapetest_sizes{method=get,path=b method=new,path=b method=put,path=b}", 0,
		},
		{
			"another's", []*dto.MetricFamily{family(dto.MetricType_GAUGE, "scrapetest_seconds", "a=1", "a=2")},
			"scrapetest_seconds{} scrapetest_sizes{method=get,path=b method=put,path=b}", 2,
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			z := zeroFiller{}
			var lost losses
			var got []string
			for range 2 { // the second time from what the first has made
				got = nil
				lost = losses{}
				families := make([]*dto.MetricFamily, len(row.families))
				for i, f := range row.families {
					families[i] = &dto.MetricFamily{Name: f.Name, Type: f.Type, Metric: f.Metric[:len(f.Metric):len(f.Metric)]}
				}
				for _, f := range z.fill(families, wanted, &lost) {
					got = append(got, fmt.Sprintf("%s{%s}", f.GetName(), seriesOf(f)))
				}
			}
			if got := strings.Join(got, " "); got != row.want {
				t.Errorf("got  %s\nwant %s", got, row.want)
			}
			if got := lost.dropped[instruments.LossConflict].series; got != row.lost {
				t.Errorf("lost %d, want %d", got, row.lost)
			}
		})
	}
}
