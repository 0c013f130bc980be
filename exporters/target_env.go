package exporters

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// EnvError is a fault in an environment variable. The value is shown unless it
// may hold a secret.
type EnvError struct {
	Variable string
	Value    string // empty if it may be secret
	Allowed  string // what is allowed
}

// Error is one line.
func (e *EnvError) Error() string {
	if e.Value == "" {
		return e.Variable + ": " + e.Allowed
	}
	return fmt.Sprintf("%s %q: %s", e.Variable, e.Value, e.Allowed)
}

// Disabled reports whether OTEL_SDK_DISABLED turns telemetry off. As the
// specification says, only the word true does, in any case; a value that is
// neither true nor false is an error here.
func Disabled(getenv func(string) string) (bool, error) {
	e := &env{getenv: getenv}
	return e.boolean("OTEL_SDK_DISABLED"), e.err()
}

// TargetsFromEnv returns the collectors named by the environment variables of
// the OpenTelemetry specification, with all the settings that stand there.
// OTEL_EXPORTER_OTLP_METRICS_ENDPOINT wins over OTEL_EXPORTER_OTLP_ENDPOINT;
// either may be a list, separated by commas. There is no target without an
// endpoint, nor when OTEL_METRICS_EXPORTER does not contain otlp. The error
// lists every fault, one per line; the targets are then nil.
func TargetsFromEnv(getenv func(string) string) ([]Target, error) {
	e := &env{getenv: getenv}
	wanted := e.wantsOTLP()
	name, endpoints := e.endpoints()
	if !wanted || len(endpoints) == 0 {
		return nil, e.err()
	}
	settings := e.settings()
	protocol := e.protocol()
	var targets []Target
	for _, endpoint := range endpoints {
		if protocol == "" && !strings.Contains(endpoint, "://") {
			continue // it may be an address for gRPC
		}
		t, err := e.target(name, endpoint, protocol)
		if err != nil {
			e.fault(name, Target{URL: endpoint}.shown(), err.Error())
			continue
		}
		targets = append(targets, t.Or(settings))
	}
	if err := errors.Join(e.err(), ValidateTargetsUnder(getenv, targets)); err != nil {
		return nil, err
	}
	return targets, nil
}

// FileTargetsWanted reports whether the collectors of a configuration file are
// to be pushed to: not if OTEL_METRICS_EXPORTER names exporters and not otlp.
func FileTargetsWanted(getenv func(string) string) bool {
	return (&env{getenv: getenv}).wantsOTLP()
}

// WithEnv returns t with every zero field taken from the environment: what is
// written on the command line wins. The endpoint is not taken over.
func (t Target) WithEnv(getenv func(string) string) (Target, error) {
	e := &env{getenv: getenv}
	settings := e.settings()
	return t.Or(settings), e.err()
}

// UnderEnv returns t with every field replaced that the environment sets: what
// is written in a file gives way. The endpoint is not taken over, and headers
// are replaced as a whole.
func (t Target) UnderEnv(getenv func(string) string) (Target, error) {
	e := &env{getenv: getenv}
	over := e.settings()
	over.URL, over.ExactPath = t.URL, t.ExactPath
	if !over.secure() {
		over.CAFile, over.CertFile, over.KeyFile = "", "", ""
	}
	return over.Or(t), e.err()
}

// env reads variables and collects what is wrong with them. An empty variable
// counts as not set, and one of a few words is understood in any case.
type env struct {
	getenv func(string) string
	errs   []error
}

func (e *env) err() error { return errors.Join(e.errs...) }

func (e *env) fault(variable, value, allowed string) {
	e.errs = append(e.errs, &EnvError{Variable: variable, Value: value, Allowed: allowed})
}

// otlp returns the name and value of OTEL_EXPORTER_OTLP_METRICS_x, or of
// OTEL_EXPORTER_OTLP_x if that is not set.
func (e *env) otlp(suffix string) (name, value string) {
	for _, prefix := range []string{"OTEL_EXPORTER_OTLP_METRICS_", "OTEL_EXPORTER_OTLP_"} {
		if v := strings.TrimSpace(e.getenv(prefix + suffix)); v != "" {
			return prefix + suffix, v
		}
	}
	return "OTEL_EXPORTER_OTLP_" + suffix, ""
}

// wantsOTLP reads OTEL_METRICS_EXPORTER. Prometheus is served whenever there
// is an address to serve it on, so that naming it here asks for nothing more.
func (e *env) wantsOTLP() bool {
	const name = "OTEL_METRICS_EXPORTER"
	value := strings.TrimSpace(e.getenv(name))
	if value == "" {
		return true
	}
	wanted := false
	for kind := range strings.SplitSeq(strings.ToLower(value), ",") {
		switch strings.TrimSpace(kind) {
		case "otlp":
			wanted = true
		case "none", "prometheus":
		default:
			e.fault(name, value, "must be otlp, prometheus or none, or a list of them")
			return false
		}
	}
	return wanted
}

// endpoints returns the variable that names the endpoints, and them.
func (e *env) endpoints() (name string, list []string) {
	name, value := e.otlp("ENDPOINT")
	for endpoint := range strings.SplitSeq(value, ",") {
		if endpoint = strings.TrimSpace(endpoint); endpoint != "" {
			list = append(list, endpoint)
		}
	}
	return name, list
}

// protocol is "grpc" or "http/protobuf", which is the default.
func (e *env) protocol() string {
	name, value := e.otlp("PROTOCOL")
	switch protocol := strings.ToLower(value); protocol {
	case "":
		return "http/protobuf"
	case "grpc", "http/protobuf":
		return protocol
	case "http/json":
		e.fault(name, value, "is not supported: use http/protobuf or grpc")
	default:
		e.fault(name, value, "must be grpc or http/protobuf")
	}
	return ""
}

// target makes the target of one endpoint. A grpc:// or grpcs:// endpoint, as
// a flag takes it, stands for itself whatever the protocol.
func (e *env) target(name, endpoint, protocol string) (Target, error) {
	scheme, _, _ := strings.Cut(strings.ToLower(endpoint), "://")
	isGRPC := scheme == "grpc" || scheme == "grpcs"
	if protocol == "grpc" && !isGRPC {
		return e.grpcTarget(endpoint)
	}
	exact := !isGRPC && strings.HasPrefix(name, "OTEL_EXPORTER_OTLP_METRICS_")
	t := Target{URL: endpoint, ExactPath: exact}
	if _, err := t.parse(); err != nil || isGRPC || exact {
		return t, err
	}
	u, err := url.Parse(endpoint)
	if err != nil {
		return Target{}, err
	}
	return Target{URL: u.JoinPath("v1", "metrics").String()}, nil
}

// grpcTarget understands http:// and https:// as plain and TLS, and an address
// without a scheme as TLS unless OTEL_EXPORTER_OTLP_INSECURE says otherwise.
func (e *env) grpcTarget(endpoint string) (Target, error) {
	insecureName, _ := e.otlp("INSECURE")
	return GRPCTarget(endpoint, e.boolean(insecureName))
}

// GRPCTarget makes the target for an endpoint of OTLP over gRPC as the
// OpenTelemetry specification writes it: http:// means plain and https:// TLS
// (port 443 if none is given, as in any https URL), host:port without a scheme
// TLS unless insecure is true. grpc:// and grpcs:// are taken too.
func GRPCTarget(endpoint string, insecure bool) (Target, error) {
	scheme, rest, ok := strings.Cut(endpoint, "://")
	if !ok {
		scheme, rest = "grpcs", endpoint
		if insecure {
			scheme = "grpc"
		}
	}
	rest = strings.TrimSuffix(rest, "/")
	scheme = strings.ToLower(scheme)
	switch scheme {
	case "http":
		scheme = "grpc"
	case "https":
		scheme = "grpcs"
		if u, err := url.Parse("https://" + rest); err == nil && u.Host != "" && u.Port() == "" && u.Path == "" {
			rest += ":443"
		}
	}
	t := Target{URL: scheme + "://" + rest}
	_, err := t.parse()
	return t, err
}

// settings reads everything but the endpoint.
func (e *env) settings() Target {
	t := Target{
		Headers:       e.headers(),
		Compression:   Compression(e.choice("COMPRESSION", "none", "gzip")),
		Timeout:       e.milliseconds(e.otlpName("TIMEOUT")),
		Interval:      e.milliseconds("OTEL_METRIC_EXPORT_INTERVAL"),
		ExportTimeout: e.milliseconds("OTEL_METRIC_EXPORT_TIMEOUT"),
		Temporality:   e.temporality(),
	}
	_, t.CAFile = e.otlp("CERTIFICATE")
	t.CertFile, t.KeyFile = e.clientCertificate()
	return t
}

func (e *env) otlpName(suffix string) string {
	name, _ := e.otlp(suffix)
	return name
}

func (e *env) headers() map[string]string {
	name, value := e.otlp("HEADERS")
	if value == "" {
		return nil
	}
	headers, err := ParseHeaders(value)
	if err != nil {
		e.fault(name, "", err.Error())
	}
	return headers
}

func (e *env) choice(suffix string, allowed ...string) string {
	name, value := e.otlp(suffix)
	if value == "" {
		return ""
	}
	for _, a := range allowed {
		if strings.EqualFold(value, a) {
			return a
		}
	}
	e.fault(name, value, "must be "+strings.Join(allowed, " or "))
	return ""
}

func (e *env) milliseconds(name string) time.Duration {
	value := strings.TrimSpace(e.getenv(name))
	if value == "" {
		return 0
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n < 1 || n > int64(maxDuration/time.Millisecond) {
		e.fault(name, value, fmt.Sprintf("must be a number of milliseconds between 1 and %d", maxDuration/time.Millisecond))
		return 0
	}
	return time.Duration(n) * time.Millisecond
}

func (e *env) temporality() Temporality {
	const name = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"
	value := strings.ToLower(strings.TrimSpace(e.getenv(name)))
	switch t := Temporality(value); t {
	case "", TemporalityCumulative, TemporalityDelta, TemporalityLowMemory:
		return t
	}
	e.fault(name, value, "must be cumulative, delta or lowmemory")
	return ""
}

// clientCertificate returns certificate and key of one and the same level, so
// that a certificate for metrics is never paired with the key for all signals.
func (e *env) clientCertificate() (cert, key string) {
	for _, prefix := range []string{"OTEL_EXPORTER_OTLP_METRICS_", "OTEL_EXPORTER_OTLP_"} {
		cert = strings.TrimSpace(e.getenv(prefix + "CLIENT_CERTIFICATE"))
		key = strings.TrimSpace(e.getenv(prefix + "CLIENT_KEY"))
		switch {
		case cert == "" && key == "":
			continue
		case key == "":
			e.fault(prefix+"CLIENT_KEY", "", "must be given, since "+prefix+"CLIENT_CERTIFICATE is")
			return "", ""
		case cert == "":
			e.fault(prefix+"CLIENT_CERTIFICATE", "", "must be given, since "+prefix+"CLIENT_KEY is")
			return "", ""
		}
		return cert, key
	}
	return "", ""
}

func (e *env) boolean(name string) bool {
	value := strings.TrimSpace(e.getenv(name))
	switch strings.ToLower(value) {
	case "true":
		return true
	case "", "false":
		return false
	}
	e.fault(name, value, "must be true or false")
	return false
}
