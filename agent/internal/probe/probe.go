// Package probe answers one question about a component that the agent watches
// from outside: does it work now?
//
// A probe is written as a URL:
//
//	tcp://host:port                   a connection is accepted
//	http://host[:port][/path][?query] GET answers 2xx (https:// likewise, with TLS)
//	grpc://host:port[/service]        grpc.health.v1 answers SERVING (grpcs:// likewise, with TLS)
//
// Rules that hold for all of them:
//
//   - Probes go direct: no proxy of the environment is used, because an answer of
//     the proxy would say nothing about the component.
//   - An HTTP redirect is not followed and is not 2xx, so it fails the check: the
//     component should be asked where it really answers.
//   - TLS is 1.2 or newer and verified against the roots of the system.
//   - A user name and password in an http(s) URL are sent as basic authentication.
//   - How long a check may take is up to the context alone; what it may read is
//     bounded here.
//   - Errors are one line that names the target and the cause. Neither the user
//     information nor the query of the URL, nor anything the peer sent besides
//     its status, is in them.
package probe

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/url"
)

// Check is one probe of one target. Its methods may be called concurrently.
type Check interface {
	// Run does the check once and returns nil if the target works. It returns
	// soon after ctx ends, whatever the peer does; the error then is that of ctx
	// in the sense of errors.Is.
	Run(ctx context.Context) error

	// Target names what is checked, without secrets: the URL with the user
	// information masked and the query cut off.
	Target() string

	// Close gives back what is held between checks. A Run after it fails. It may
	// be called twice.
	Close() error
}

// settings are what tests change and nobody else.
type settings struct {
	roots *x509.CertPool // nil: the roots of the system
}

// allowed lists the forms of a probe URL in every error about one.
const allowed = "tcp://host:port, http(s)://host[:port][/path] or grpc(s)://host:port[/service]"

// Parse reads a probe URL. It opens no connection. The error is one line that says
// what is wrong and what to write instead, without the secrets of the URL.
func Parse(rawURL string) (Check, error) {
	return parse(rawURL, settings{})
}

func parse(rawURL string, s settings) (Check, error) {
	u, fault := understand(rawURL)
	if fault != "" {
		return nil, fmt.Errorf("probe url %s: %s", quote(rawURL), fault)
	}
	switch u.Scheme {
	case "tcp":
		return newTCP(u), nil
	case "grpc", "grpcs":
		return newGRPC(u, s), nil
	default:
		return newHTTP(u, s), nil
	}
}

// target is the URL as it may be shown.
func target(u *url.URL) string {
	shown := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}
	if u.User != nil {
		shown.User = url.User(mask)
	}
	if u.RawQuery != "" {
		shown.RawQuery = "..."
	}
	return short(shown.String())
}
