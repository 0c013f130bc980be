package exporters

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// DefaultServiceName is service.name where nothing says otherwise.
const DefaultServiceName = "telltale"

// ResourceLayers are the places that describe the process, in the order in
// which they win: ServiceName, the environment, File, and last the defaults.
type ResourceLayers struct {
	// ServiceName is given explicitly, by a flag or in code. Empty is not given.
	ServiceName string

	// Getenv reads OTEL_SERVICE_NAME, which wins over a service.name in
	// OTEL_RESOURCE_ATTRIBUTES. Nil means no environment.
	Getenv func(string) string

	// File holds attributes from a configuration file or from code.
	File map[string]string

	// Version is service.version where no layer sets it. Empty leaves it out.
	Version string
}

// Resource describes the process for collectors. The error lists everything
// that is wrong with the attributes, one fault per line.
func Resource(l ResourceLayers) (*resource.Resource, error) {
	attrs := map[string]string{string(semconv.ServiceNameKey): DefaultServiceName}
	if l.Version != "" {
		attrs[string(semconv.ServiceVersionKey)] = l.Version
	}
	err := checkAttributes("", l.File)
	maps.Copy(attrs, l.File)
	if l.Getenv != nil {
		fromEnv, envErr := attributesFromEnv(l.Getenv)
		err = errors.Join(err, envErr)
		maps.Copy(attrs, fromEnv)
	}
	if l.ServiceName != "" {
		explicit := map[string]string{string(semconv.ServiceNameKey): l.ServiceName}
		err = errors.Join(err, checkAttributes("", explicit))
		maps.Copy(attrs, explicit)
	}
	if err != nil {
		return nil, err
	}
	return newResource(attrs)
}

func newResource(attrs map[string]string) (*resource.Resource, error) {
	kvs := make([]attribute.KeyValue, 0, len(attrs))
	for _, key := range slices.Sorted(maps.Keys(attrs)) {
		kvs = append(kvs, attribute.String(key, attrs[key]))
	}
	return resource.New(context.Background(), resource.WithTelemetrySDK(), resource.WithAttributes(kvs...))
}

// attributesFromEnv reads OTEL_RESOURCE_ATTRIBUTES and
// OTEL_SERVICE_NAME. It is empty if neither is set.
func attributesFromEnv(getenv func(string) string) (map[string]string, error) {
	const name = "OTEL_RESOURCE_ATTRIBUTES"
	attrs, err := ParseResourceAttributes(getenv(name))
	if err != nil {
		return nil, &EnvError{Variable: name, Allowed: err.Error()}
	}
	if service := strings.TrimSpace(getenv("OTEL_SERVICE_NAME")); service != "" {
		attrs[string(semconv.ServiceNameKey)] = service
	}
	return attrs, checkAttributes("OTEL_SERVICE_NAME: ", attrs)
}

// ParseResourceAttributes reads key=value pairs separated by commas, percent-
// encoded where need be, as OTEL_RESOURCE_ATTRIBUTES holds them. A key given
// twice takes the last value.
func ParseResourceAttributes(list string) (map[string]string, error) {
	attrs := map[string]string{}
	err := parsePairs(list, func(key, value string) error {
		if !utf8.ValidString(key) || !utf8.ValidString(value) {
			return fmt.Errorf("the decoded value of %q must be UTF-8 text", key)
		}
		attrs[key] = value
		return nil
	})
	return attrs, err
}

// maxAttribute bounds a key or a value; collectors refuse far less.
const maxAttribute = 4096

// checkAttributes names the faults in attributes. The prefix says where they
// came from.
func checkAttributes(prefix string, attrs map[string]string) error {
	var errs []error
	for _, key := range slices.Sorted(maps.Keys(attrs)) {
		value := attrs[key]
		switch {
		case key == "":
			errs = append(errs, fmt.Errorf("%sresource attribute: must have a name", prefix))
		case len(key) > maxAttribute || len(value) > maxAttribute:
			errs = append(errs, fmt.Errorf("%sresource attribute %.64q: name and value must be at most %d bytes", prefix, key, maxAttribute))
		case !utf8.ValidString(key) || !utf8.ValidString(value):
			errs = append(errs, fmt.Errorf("%sresource attribute %q: name and value must be UTF-8 text", prefix, key))
		}
	}
	return errors.Join(errs...)
}
