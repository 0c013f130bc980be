package exporters

import (
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"
)

// What a Target uses where it says nothing.
const (
	DefaultTimeout       = 10 * time.Second // of one export
	DefaultExportTimeout = 30 * time.Second // of one cycle: collection and export
	DefaultInterval      = 60 * time.Second // between two cycles
)

// Compression is how requests to a collector are packed.
type Compression string

// The compressions that every OTLP receiver has to understand.
const (
	CompressionNone Compression = "none"
	CompressionGzip Compression = "gzip"
)

// Temporality is what the numbers of a push refer to.
type Temporality string

// The temporality preferences of the OpenTelemetry specification.
const (
	// TemporalityCumulative pushes totals since the start. Nothing is lost or
	// counted twice when an export fails, since the next one says it all again.
	TemporalityCumulative Temporality = "cumulative"
	// TemporalityDelta pushes counters and histograms as differences from the
	// export before. What a failed export carried is lost.
	TemporalityDelta Temporality = "delta"
	// TemporalityLowMemory is delta for counters and histograms that are
	// recorded directly and cumulative for all values that are observed. The
	// same loss as with delta applies to the former.
	TemporalityLowMemory Temporality = "lowmemory"
)

// Target is one collector to push to. Only URL is needed; a zero field means
// its default. A Target is plain data: it may be copied and compared field by
// field, and nothing is read from files before Validate or NewPush.
type Target struct {
	// URL says where to push and how: http:// and https:// speak OTLP over
	// HTTP with protobuf bodies, grpc:// and grpcs:// over gRPC; the scheme
	// alone decides whether TLS is used. An HTTP URL without a port means the
	// port that belongs to its scheme (80, 443), as everywhere; gRPC without
	// one means 4317. An HTTP URL without a path means /v1/metrics. Credentials
	// belong into Headers: a URL with user information, a query or a fragment
	// is refused.
	URL string

	// ExactPath takes the path of an HTTP URL as it is, so that no path means
	// the root. It is what OTEL_EXPORTER_OTLP_METRICS_ENDPOINT asks for. False
	// means that no path, or a lone slash, stands for /v1/metrics.
	ExactPath bool

	// Headers are sent with every request; for gRPC they are metadata. Their
	// values never appear in errors or logs. None by default.
	Headers map[string]string

	// Compression of requests. The default is none, as in the OpenTelemetry
	// specification: most collectors are on the same host or network, where
	// the bytes cost less than the work.
	Compression Compression

	// CAFile is a PEM file with the certificates that may have signed the
	// collector's. By default those of the system.
	CAFile string

	// CertFile and KeyFile are PEM files with the certificate, and its key,
	// shown to a collector that asks for one. They come together. None by
	// default. Files are read once, when the push is made.
	CertFile, KeyFile string

	// Timeout bounds one export, default 10 s. Within it, and before the next
	// interval, an export is tried again if that may help.
	Timeout time.Duration

	// ExportTimeout bounds one cycle, which is collection and export; default
	// 30 s. Intervals that pass meanwhile are skipped: what they would have
	// sent goes with the next export.
	ExportTimeout time.Duration

	// Interval is the time between two cycles, default 60 s.
	Interval time.Duration

	// Temporality, default cumulative.
	Temporality Temporality
}

// Endpoint is the collector as scheme://host:port, without user information,
// path or query: the name it has in logs, and in the endpoint label, unless it
// shares that with others (PushNames). It is empty for a URL that Validate refuses.
func (t Target) Endpoint() string {
	u, err := t.parse()
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// PushNames is what to call the pushes to targets: their endpoints, which are
// numbered from the second on where several collectors share one, as behind a
// gateway: http://gateway:4318, http://gateway:4318#2. Without that their metrics
// would be one, and a collector that fails would hide behind one that works.
// Paths would tell them apart, too, but can be secrets.
func PushNames(targets []Target) []string {
	names := make([]string, len(targets))
	count := map[string]int{}
	for i, t := range targets {
		names[i] = t.Endpoint()
		count[names[i]]++
		if n := count[names[i]]; n > 1 {
			names[i] = fmt.Sprintf("%s#%d", names[i], n)
		}
	}
	return names
}

// Or returns t with every zero field taken from d. Files for TLS are only
// taken over where t uses TLS, and the client's certificate only with its key.
// The URL goes with ExactPath.
func (t Target) Or(d Target) Target {
	if t.URL == "" {
		t.URL, t.ExactPath = d.URL, d.ExactPath
	}
	if t.Headers == nil {
		t.Headers = maps.Clone(d.Headers)
	}
	if t.secure() || t.URL == "" {
		t.CAFile = or(t.CAFile, d.CAFile)
		if t.CertFile == "" && t.KeyFile == "" {
			t.CertFile, t.KeyFile = d.CertFile, d.KeyFile
		}
	}
	t.Compression = or(t.Compression, d.Compression)
	t.Timeout = or(t.Timeout, d.Timeout)
	t.ExportTimeout = or(t.ExportTimeout, d.ExportTimeout)
	t.Interval = or(t.Interval, d.Interval)
	t.Temporality = or(t.Temporality, d.Temporality)
	return t
}

// withDefaults fills what is zero.
func (t Target) withDefaults() Target {
	return t.Or(Target{
		Compression:   CompressionNone,
		Timeout:       DefaultTimeout,
		ExportTimeout: DefaultExportTimeout,
		Interval:      DefaultInterval,
		Temporality:   TemporalityCumulative,
	})
}

// or returns v, or d if v is zero.
func or[T comparable](v, d T) T {
	var zero T
	if v == zero {
		return d
	}
	return v
}

// secure reports whether the URL asks for TLS.
func (t Target) secure() bool {
	scheme, _, _ := strings.Cut(t.URL, "://")
	switch strings.ToLower(scheme) {
	case "https", "grpcs":
		return true
	}
	return false
}

// targetSchemes are the schemes a Target can have, with the port each means
// when none is given.
var targetSchemes = map[string]string{"http": "80", "https": "443", "grpc": "4317", "grpcs": "4317"}

const targetForms = "http://host:4318, https://host:4318, grpc://host:4317 or grpcs://host:4317"

// parse returns the URL with scheme, host and port present and the path to
// post to. The error says what is allowed and repeats nothing of the URL,
// which may hold secrets.
func (t Target) parse() (*url.URL, error) {
	if t.URL == "" {
		return nil, fmt.Errorf("must be %s", targetForms)
	}
	u, err := url.Parse(t.URL)
	if err != nil {
		return nil, fmt.Errorf("must be a URL such as %s", targetForms)
	}
	port, ok := targetSchemes[u.Scheme]
	switch {
	case !ok:
		return nil, fmt.Errorf("must begin with http://, https://, grpc:// or grpcs://")
	case u.User != nil:
		return nil, fmt.Errorf("must have no user information; give credentials as a header")
	case u.RawQuery != "" || u.ForceQuery:
		return nil, fmt.Errorf("must have no query; give parameters as headers")
	case u.Fragment != "":
		return nil, fmt.Errorf("must have no fragment")
	case u.Hostname() == "" || strings.ContainsAny(u.Host, " \t"):
		return nil, fmt.Errorf("must name a host, such as %s", targetForms)
	case u.Port() != "" && !validPort(u.Port()):
		return nil, fmt.Errorf("must have a port between 1 and 65535")
	}
	if u.Port() == "" {
		u.Host = net.JoinHostPort(u.Hostname(), port)
	}
	return u, t.setPath(u)
}

// setPath completes the path, which only an HTTP URL may have.
func (t Target) setPath(u *url.URL) error {
	bare := u.Path == "" || u.Path == "/"
	switch {
	case strings.HasPrefix(u.Scheme, "grpc"):
		if !bare {
			return fmt.Errorf("must have no path: gRPC has none to give")
		}
		u.Path = ""
	case bare && t.ExactPath:
		u.Path = "/"
	case bare:
		u.Path = "/v1/metrics"
	}
	return nil
}

func validPort(s string) bool {
	n := 0
	for _, c := range s {
		if c < '0' || c > '9' || n > 65535 {
			return false
		}
		n = n*10 + int(c-'0')
	}
	return n > 0 && n <= 65535
}

// shown is the URL as it may stand in an error: without what comes before an
// @, and without a query or a fragment.
func (t Target) shown() string {
	s := t.URL
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		scheme, _, ok := strings.Cut(s, "://")
		if !ok || strings.ContainsAny(scheme, "@:/") {
			return "***@" + cutAny(s[i+1:])
		}
		return scheme + "://***@" + cutAny(s[i+1:])
	}
	return cutAny(s)
}

func cutAny(s string) string {
	if i := strings.IndexAny(s, "?#"); i >= 0 {
		return s[:i] + s[i:i+1] + "***"
	}
	return s
}

// identity is what two targets may not share: they would deliver every
// number twice to one place. Headers belong to it, since a gateway may tell its
// tenants apart by one.
func (t Target) identity() string {
	u, err := t.parse()
	if err != nil {
		return ""
	}
	id := strings.ToLower(u.Scheme+"://"+u.Host) + u.Path
	headers := make([]string, 0, len(t.Headers))
	for name, value := range t.Headers {
		headers = append(headers, strings.ToLower(name)+"="+value)
	}
	slices.Sort(headers)
	return strings.Join(append(headers, id), "\n")
}

// headerNames are the names of the headers, sorted.
func (t Target) headerNames() []string {
	return slices.Sorted(maps.Keys(t.Headers))
}
