package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
)

// failure is what Run returns: one line for people, the cause for errors.Is.
type failure struct {
	target string
	text   string
	err    error // may be nil
}

func (f *failure) Error() string { return "check " + f.target + ": " + f.text }
func (f *failure) Unwrap() error { return f.err }

// fail makes the error of a check that did not get an answer. When ctx has ended, that
// is the cause, whatever the library that noticed calls it.
func fail(ctx context.Context, target string, err error) error {
	if ended := ctx.Err(); ended != nil {
		err = ended
	}
	return &failure{target: target, text: cause(err), err: err}
}

// cause puts into a few words why a peer could not be asked. Texts of libraries are
// used only where they cannot carry bytes that the peer sent.
func cause(err error) string {
	var (
		lookup    *net.DNSError
		record    tls.RecordHeaderError
		certBad   *tls.CertificateVerificationError
		alert     tls.AlertError
		authority x509.UnknownAuthorityError
		hostname  x509.HostnameError
		invalid   x509.CertificateInvalidError
	)
	switch {
	case errors.Is(err, context.Canceled):
		return "the check was cancelled"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return "no answer in time"
	case errors.As(err, &lookup):
		return lookupCause(lookup)
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused; nothing listens there"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "no route to the host"
	case errors.As(err, &record):
		return "the peer does not speak TLS; use the scheme without the s, or enable TLS there"
	case errors.As(err, &hostname):
		return "the certificate is not valid for this host name"
	case errors.As(err, &authority):
		return "the certificate is signed by an unknown authority; add it to the roots of the system"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "the certificate has expired or is not yet valid"
	case errors.As(err, &certBad), errors.As(err, &invalid):
		return "the certificate cannot be verified"
	case errors.As(err, &alert):
		return "the peer refused the TLS handshake"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return "the peer closed the connection without an answer"
	}
	return otherCause(err)
}

func lookupCause(err *net.DNSError) string {
	switch {
	case err.IsNotFound:
		return "the host name is not known"
	case err.IsTimeout:
		return "looking up the host name timed out"
	}
	return "the host name could not be looked up"
}

// otherCause serves errors without a type. What the peer sent may be quoted in the
// text of those, so it is only looked at, not passed on.
func otherCause(err error) string {
	text := err.Error()
	var op *net.OpError
	var number syscall.Errno
	switch {
	case strings.Contains(text, "malformed HTTP"), strings.Contains(text, "malformed MIME"):
		return "the answer is not HTTP"
	case strings.Contains(text, "HTTP response to HTTPS client"), strings.Contains(text, "first record does not look like"):
		return "the peer does not speak TLS; use the scheme without the s, or enable TLS there"
	case strings.Contains(text, "response headers exceeded"):
		return "the answer's header is too large"
	case strings.Contains(text, "tls: "):
		return "the TLS handshake failed"
	case errors.As(err, &number):
		return number.Error()
	case errors.As(err, &op) && op.Op == "dial":
		return "the connection could not be opened"
	}
	return "the exchange failed"
}
