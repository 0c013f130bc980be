package exporters

import (
	"fmt"
	"maps"
	"net/url"
	"strings"
)

// ParseHeaders reads the list of headers of OTEL_EXPORTER_OTLP_HEADERS:
// name=value, separated by commas, in the format of W3C Baggage without
// properties, names and values percent-encoded where need be. A name given
// twice, in any case, takes the last value. Errors name the entry by its number and name,
// never by its value.
func ParseHeaders(s string) (map[string]string, error) {
	headers := map[string]string{}
	err := parsePairs(s, func(name, value string) error {
		if !isToken(name) {
			return fmt.Errorf("the name must consist of letters, digits and hyphens")
		}
		if !isFieldValue(value) {
			return fmt.Errorf("the value of %.40q must consist of printable ASCII characters", name)
		}
		maps.DeleteFunc(headers, func(n, _ string) bool { return strings.EqualFold(n, name) })
		headers[name] = value
		return nil
	})
	return headers, err
}

// parsePairs calls add for each key=value of a comma-separated list, decoded
// and without surrounding space. Empty entries are skipped, as in W3C Baggage.
func parsePairs(s string, add func(key, value string) error) error {
	n := 0
	for entry := range strings.SplitSeq(s, ",") {
		n++
		if strings.TrimSpace(entry) == "" {
			continue
		}
		if err := parsePair(entry, add); err != nil {
			return fmt.Errorf("entry %d: %w", n, err)
		}
	}
	return nil
}

func parsePair(entry string, add func(key, value string) error) error {
	rawKey, rawValue, ok := strings.Cut(entry, "=")
	if !ok {
		return fmt.Errorf("must be key=value")
	}
	// PathUnescape, since a plus sign stands for itself here.
	key, err := url.PathUnescape(strings.TrimSpace(rawKey))
	if err != nil || key == "" {
		return fmt.Errorf("the key must not be empty, and a percent sign in it must be written %%25")
	}
	value, err := url.PathUnescape(strings.TrimSpace(rawValue))
	if err != nil {
		return fmt.Errorf("a percent sign in the value of %.40q must be written %%25", key)
	}
	return add(key, value)
}
