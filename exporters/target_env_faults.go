package exporters

import (
	"errors"
)

// ValidateTargetsUnder is ValidateTargets for targets that have taken over
// settings from the environment: a fault of a value that stands there names the
// variable, as an *EnvError, and is reported once, however many targets share
// the value.
func ValidateTargetsUnder(getenv func(string) string, targets []Target) error {
	e := &env{getenv: getenv}
	seen := map[string]bool{}
	var errs []error
	for _, f := range targetsFaults(targets) {
		err := e.named(f)
		if !seen[err.Error()] {
			errs = append(errs, err)
		}
		seen[err.Error()] = true
	}
	return errors.Join(errs...)
}

// envFields are the ends of the variables whose values are checked only as part
// of a target, by the names that its faults use.
var envFields = map[string]string{
	"headers": "HEADERS", "ca_file": "CERTIFICATE", "cert_file": "CLIENT_CERTIFICATE", "key_file": "CLIENT_KEY",
}

// named returns f as the fault of a variable if its value comes from there.
func (e *env) named(f *FieldError) error {
	suffix, ok := envFields[f.Field]
	if !ok {
		return f
	}
	name, value := e.otlp(suffix)
	if f.Field == "headers" {
		headers, _ := ParseHeaders(value)
		_, ok = headers[f.Value]
	} else {
		ok = f.Value == value && value != ""
	}
	if !ok {
		return f
	}
	return &EnvError{Variable: name, Value: f.Value, Allowed: f.Reason()}
}
