package exporters

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// FieldError is one fault of a Target.
type FieldError struct {
	Endpoint string // of the target, empty if its URL is at fault
	Field    string // name of the setting, such as "url" or "ca_file"
	Value    string // as given; the name only for a header
	Allowed  string // what is allowed instead
	Err      error  // the cause, where there is one
}

// Error is one line without secrets.
func (e *FieldError) Error() string {
	to := ""
	if e.Endpoint != "" {
		to = " to " + e.Endpoint
	}
	return fmt.Sprintf("push%s: %s %q: %s", to, e.Field, e.Value, e.Reason())
}

// Reason is what is wrong with the value, without the place and the value.
func (e *FieldError) Reason() string {
	if e.Err != nil {
		return e.Allowed + ": " + e.Err.Error()
	}
	return e.Allowed
}

// Unwrap returns the cause.
func (e *FieldError) Unwrap() error { return e.Err }

// Validate reports every fault of t, one per line, each a *FieldError; nil if
// there is none. It reads the files for TLS.
func (t Target) Validate() error {
	faults := t.Faults()
	errs := make([]error, len(faults))
	for i, f := range faults {
		errs[i] = f
	}
	return errors.Join(errs...)
}

// Faults is Validate as a list, for callers that know a better place for a
// fault than the endpoint.
func (t Target) Faults() []*FieldError {
	c := &targetCheck{t: t, endpoint: t.Endpoint()}
	if _, err := t.parse(); err != nil {
		c.fault("url", t.shown(), err.Error(), nil)
	}
	c.duration("timeout", t.Timeout)
	c.duration("export_timeout", t.ExportTimeout)
	c.duration("interval", t.Interval)
	c.choice("compression", string(t.Compression), string(CompressionNone), string(CompressionGzip))
	c.choice("temporality", string(t.Temporality),
		string(TemporalityCumulative), string(TemporalityDelta), string(TemporalityLowMemory))
	seen := map[string]bool{}
	for _, name := range t.headerNames() {
		c.header(name, t.Headers[name], seen)
	}
	c.tls()
	return c.faults
}

// ValidateTargets reports every fault of every target, and targets that would
// push to the same place, which would deliver every number twice.
func ValidateTargets(targets []Target) error {
	var errs []error
	for _, f := range targetsFaults(targets) {
		errs = append(errs, f)
	}
	return errors.Join(errs...)
}

func targetsFaults(targets []Target) (faults []*FieldError) {
	seen := map[string]bool{}
	for _, t := range targets {
		faults = append(faults, t.Faults()...)
		id := t.identity()
		if id != "" && seen[id] {
			faults = append(faults, &FieldError{
				Endpoint: t.Endpoint(), Field: "url", Value: t.shown(),
				Allowed: "must be given only once; pushing twice to one collector counts everything double",
			})
		}
		seen[id] = true
	}
	return faults
}

// maxDuration is a bound against values given in the wrong unit.
const maxDuration = 24 * time.Hour

// targetCheck collects the faults of one target.
type targetCheck struct {
	t        Target
	endpoint string
	faults   []*FieldError
}

func (c *targetCheck) fault(field, value, allowed string, err error) {
	c.faults = append(c.faults, &FieldError{
		Endpoint: c.endpoint, Field: field, Value: value, Allowed: allowed, Err: err,
	})
}

func (c *targetCheck) duration(field string, d time.Duration) {
	if d != 0 && (d < time.Millisecond || d > maxDuration) {
		c.fault(field, d.String(), "must be between 1ms and 24h", nil)
	}
}

func (c *targetCheck) choice(field, value string, allowed ...string) {
	if value == "" {
		return
	}
	for _, a := range allowed {
		if value == a {
			return
		}
	}
	last := len(allowed) - 1
	c.fault(field, value, "must be "+strings.Join(allowed[:last], ", ")+" or "+allowed[last], nil)
}

// ownedHeaders are set by the exporters themselves.
var ownedHeaders = map[string]bool{
	"content-type": true, "content-encoding": true, "content-length": true,
	"transfer-encoding": true, "connection": true, "host": true, "te": true,
}

func (c *targetCheck) header(name, value string, seen map[string]bool) {
	lower := strings.ToLower(name)
	isGRPC := strings.HasPrefix(c.endpoint, "grpc")
	switch {
	case !isToken(name):
		c.fault("headers", name, "must have a name of letters, digits and hyphens", nil)
	case isGRPC && strings.ContainsFunc(lower, func(c rune) bool { return !strings.ContainsRune(metadataKey, c) }):
		c.fault("headers", name, "must have a name of letters, digits, hyphens, underscores and dots for gRPC", nil)
	case seen[lower]:
		c.fault("headers", name, "must be given only once, in whatever case", nil)
	case ownedHeaders[lower] || strings.HasPrefix(lower, "grpc-"):
		c.fault("headers", name, "must not be set, since the protocol sets it", nil)
	case !isFieldValue(value) || isGRPC && strings.Contains(value, "\t"):
		c.fault("headers", name, "must have a value of printable ASCII characters", nil)
	}
	seen[lower] = true
}

// metadataKey are the characters of which a key of gRPC metadata consists.
const metadataKey = "abcdefghijklmnopqrstuvwxyz0123456789-_."

// isToken reports whether s can name an HTTP header.
func isToken(s string) bool {
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0:
		default:
			return false
		}
	}
	return s != ""
}

// isFieldValue reports whether s can be sent as a header of HTTP.
func isFieldValue(s string) bool {
	for _, c := range []byte(s) {
		if (c < ' ' || c > '~') && c != '\t' {
			return false
		}
	}
	return true
}

func (c *targetCheck) tls() {
	t := c.t
	if !t.secure() {
		for _, f := range []struct{ field, value string }{
			{"ca_file", t.CAFile}, {"cert_file", t.CertFile}, {"key_file", t.KeyFile},
		} {
			if f.value != "" && c.endpoint != "" {
				c.fault(f.field, f.value, "must be left out, or the URL must begin with https:// or grpcs://", nil)
			}
		}
		return
	}
	for _, f := range loadTLSFiles(t, nil) {
		f.Endpoint = c.endpoint
		c.faults = append(c.faults, f)
	}
}
