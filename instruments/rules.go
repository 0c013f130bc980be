package instruments

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"go.opentelemetry.io/otel/attribute"
)

// overflowLabel marks the one series that takes what exceeds the bound on
// label sets, as a scrape shows overflowAttribute.
const overflowLabel = "otel_metric_overflow"

// overflowAttribute is what the OpenTelemetry specification sets for this
// purpose. A bound of the SDK's own, met at the same time, adds to this series.
var overflowAttribute = attribute.Bool("otel.metric.overflow", true)

var (
	// Prometheus allows more (colons, a leading underscore) and OpenTelemetry
	// allows more (dots, dashes, slashes); what both leave untouched is this.
	exactName  = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,254}$`)
	exactLabel = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	annotation = regexp.MustCompile(`^\{[a-z][a-z0-9_]*\}$`)
)

// units are the UCUM units that metrics of services are measured in.
var units = []string{
	"", "1", "%",
	"ns", "us", "ms", "s", "min", "h", "d",
	"bit", "By", "kBy", "MBy", "GBy", "KiBy", "MiBy", "GiBy",
	"Cel", "K", "Hz", "V", "A", "W", "J", "m", "g",
}

// checkDeclaration reports everything that is wrong with a row taken alone.
func checkDeclaration(r *row) error {
	return inOneLine(
		checkName(r.Name),
		checkUnit(r.Unit),
		checkHelp(r.Help),
		checkBuckets(r.Kind, r.Buckets),
		checkLabels(r.Kind, r.Labels),
		r.fault,
	)
}

// inOneLine is errors.Join for messages that a person reads in a log.
func inOneLine(errs ...error) error {
	var faults []string
	for _, err := range errs {
		if err != nil {
			faults = append(faults, err.Error())
		}
	}
	if faults == nil {
		return nil
	}
	return errors.New(strings.Join(faults, "; "))
}

// checkName reports a name that an exit would change, or that an exit uses for
// itself when it is asked to.
func checkName(name string) error {
	if strings.EqualFold(name, "target_info") {
		return errors.New("the name is reserved for the attributes of the resource")
	}
	if !exactName.MatchString(name) {
		return fmt.Errorf("the name cannot come out exactly: use a letter, then letters, digits and underscores, at most 255")
	}
	return nil
}

func checkUnit(unit string) error {
	for part := range strings.SplitSeq(unit, "/") {
		if !slices.Contains(units, part) && !annotation.MatchString(part) {
			return fmt.Errorf("unit %q is not known: use a UCUM unit such as s, By, %% or 1, or an annotation such as {request}", unit)
		}
	}
	return nil
}

func checkHelp(help string) error {
	if help == "" || !utf8.ValidString(help) || strings.ContainsAny(help, "\r\n") {
		return errors.New("the help must be one line of UTF-8 text")
	}
	return nil
}

func checkBuckets(kind Kind, bounds []float64) error {
	if kind != KindHistogram {
		if len(bounds) > 0 {
			return fmt.Errorf("a %s has no buckets", kind)
		}
		return nil
	}
	if len(bounds) == 0 {
		return errors.New("a histogram needs its buckets: there are no defaults that fit every unit")
	}
	for i, bound := range bounds {
		if math.IsNaN(bound) || math.IsInf(bound, 0) || i > 0 && bound <= bounds[i-1] {
			return fmt.Errorf("bucket %d is %v: bounds must be finite and ascend", i, bound)
		}
	}
	return nil
}

func checkLabels(kind Kind, labels []string) error {
	for i, label := range labels {
		switch {
		case !exactLabel.MatchString(label), strings.Contains(label, "__"), label == "_":
			return fmt.Errorf("label %q cannot come out exactly: use letters, digits and single underscores", label)
		case label == overflowLabel,
			strings.HasPrefix(label, "otel_scope_"), // see exporters.PrometheusOptions.ScopeInfo
			kind == KindHistogram && label == "le",
			kind == KindSummary && label == "quantile":
			return fmt.Errorf("label %q is reserved", label)
		case slices.Contains(labels[:i], label):
			return fmt.Errorf("label %q stands there twice", label)
		}
	}
	return nil
}
