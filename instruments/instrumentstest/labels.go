package instrumentstest

import (
	"strings"

	"go.opentelemetry.io/otel/attribute"
)

// labels are the values in braces, or nothing.
func labels(attributes []attribute.KeyValue) string {
	if len(attributes) == 0 {
		return ""
	}
	values := make([]string, len(attributes))
	for i, a := range attributes {
		values[i] = a.Value.String()
	}
	return "{" + strings.Join(values, ",") + "}"
}
