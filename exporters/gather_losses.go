package exporters

import (
	"strings"

	"github.com/telltale-agent/telltale/instruments"
)

// losses are the series that one collection could not show. The zero value has
// none.
type losses struct {
	dropped map[instruments.ScrapeLossReason]loss
	cut     map[string]int // series with a label value that was cut, by metric
}

type loss struct {
	series  int
	example string // the first one, for the log
}

func (l *losses) add(reason instruments.ScrapeLossReason, metric string) {
	l.addMany(reason, metric, 1)
}

func (l *losses) addMany(reason instruments.ScrapeLossReason, example string, series int) {
	if l.dropped == nil {
		l.dropped = make(map[instruments.ScrapeLossReason]loss)
	}
	at, known := l.dropped[reason]
	if !known {
		at.example = excerpt(example)
	}
	at.series += series
	l.dropped[reason] = at
}

func (l *losses) altered(metric string) {
	if l.cut == nil {
		l.cut = make(map[string]int)
	}
	l.cut[metric]++
}

// addErrors counts what a prometheus.Registry has left out.
func (l *losses) addErrors(err error) {
	for _, err := range errorsOf(err) {
		text := err.Error()
		l.add(lossReason(text), text)
	}
}

// examples gives one example for each reason.
func (l *losses) examples() map[string]string {
	if len(l.dropped) == 0 {
		return nil
	}
	examples := make(map[string]string, len(l.dropped))
	for reason, at := range l.dropped {
		examples[string(reason)] = at.example
	}
	return examples
}

// lossPatterns recognise the errors of client_golang's registry and of the
// OpenTelemetry exporter, which have no types. A text that neither has any more
// becomes "other". Tests provoke each of them.
var lossPatterns = []struct {
	reason instruments.ScrapeLossReason
	texts  []string
}{
	{instruments.LossOther, []string{"panic recovered"}},
	{instruments.LossDuplicate, []string{"was collected before with the same name and label values"}},
	{instruments.LossInvalidUTF8, []string{"is not valid UTF-8", "is not utf8"}},
	{instruments.LossReservedLabel, []string{"must not have an explicit"}},
	{instruments.LossInvalidLabel, []string{"label name", "label with an invalid name", "labels with the same name"}},
	{instruments.LossConflict, []string{"invalid metric", "but should have", "should be a", "is not a ", "collides with"}},
}

func lossReason(text string) instruments.ScrapeLossReason {
	text = excerpt(text) + " " + text[max(0, len(text)-maxExcerpt):]
	for _, pattern := range lossPatterns {
		for _, part := range pattern.texts {
			if strings.Contains(text, part) {
				return pattern.reason
			}
		}
	}
	return instruments.LossOther
}

// maxExcerpt bounds what the log gets of an error, which may quote a label
// value of any size.
const maxExcerpt = 300

// excerpt is the beginning of the first line.
func excerpt(text string) string {
	text, _, _ = strings.Cut(text, "\n")
	if len(text) > maxExcerpt {
		text = strings.ToValidUTF8(text[:maxExcerpt], "") + " …"
	}
	return text
}
