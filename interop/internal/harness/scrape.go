package harness

import (
	"bytes"
	"fmt"
	"net/http"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// Families is one scrape of /metrics: metric families by name.
type Families map[string]*dto.MetricFamily

const metricsPath = "/metrics"

// Scrape reads /metrics in the text format.
func (p *Process) Scrape() (Families, error) {
	code, _, body, err := p.Get(metricsPath)
	if err != nil {
		return nil, err
	}
	if code != http.StatusOK {
		return nil, fmt.Errorf("scrape: status %d: %.200s", code, body)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	return parser.TextToMetricFamilies(bytes.NewReader(body))
}

// MustScrape is Scrape that fails the test.
func (p *Process) MustScrape(t testing.TB) Families {
	t.Helper()
	families, err := p.Scrape()
	if err != nil {
		t.Fatalf("scrape: %v", err)
	}
	return families
}

// Value is the value of the counter or gauge with exactly these labels, given as pairs of names and values. A series
// that is not there is reported as such, not as zero.
func (f Families) Value(name string, labels ...string) (float64, bool) {
	family, ok := f[name]
	if !ok {
		return 0, false
	}
	for _, m := range family.GetMetric() {
		if !sameLabels(m.GetLabel(), labels) {
			continue
		}
		switch {
		case m.Counter != nil:
			return m.GetCounter().GetValue(), true
		case m.Gauge != nil:
			return m.GetGauge().GetValue(), true
		}
	}
	return 0, false
}

// Sum adds all series of a counter or gauge whose labels include the given pairs.
func (f Families) Sum(name string, labels ...string) float64 {
	var sum float64
	for _, m := range f[name].GetMetric() {
		if includesLabels(m.GetLabel(), labels) {
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return sum
}

func sameLabels(have []*dto.LabelPair, want []string) bool {
	return len(have)*2 == len(want) && includesLabels(have, want)
}

func includesLabels(have []*dto.LabelPair, want []string) bool {
	for i := 0; i+1 < len(want); i += 2 {
		found := false
		for _, pair := range have {
			if pair.GetName() == want[i] && pair.GetValue() == want[i+1] {
				found = true
			}
		}
		if !found {
			return false
		}
	}
	return true
}
