package exporters

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"

	"github.com/telltale-agent/telltale/instruments"
	"google.golang.org/grpc/codes"
)

// retryable reports whether another attempt in the same cycle makes sense. A
// collector that was too slow for the whole timeout has used it up.
func retryable(r instruments.PushFailureReason) bool {
	return r == instruments.PushRefused || r == instruments.PushUnavailable || r == instruments.PushThrottled
}

// reasonOf classifies the failure of one attempt. The transports' knowledge
// comes first; what never got an answer is told by the error.
func reasonOf(a *answer, err error) instruments.PushFailureReason {
	switch {
	case a.httpStatus != 0:
		return reasonOfStatus(a.httpStatus)
	case a.given && a.grpcCode != codes.Unavailable && a.grpcCode != codes.OK:
		return reasonOfCode(a.grpcCode)
	}
	switch {
	case isTimeout(err):
		return instruments.PushTimeout
	case isTLS(err):
		return instruments.PushTLS
	case errors.Is(err, syscall.ECONNREFUSED), strings.Contains(err.Error(), "connection refused"):
		return instruments.PushRefused
	case a.given, isConnection(err):
		return instruments.PushUnavailable
	}
	if _, ok := errors.AsType[*panicError](err); ok {
		return instruments.PushOther
	}
	return instruments.PushEncode
}

func reasonOfStatus(code int) instruments.PushFailureReason {
	switch {
	case code == http.StatusTooManyRequests:
		return instruments.PushThrottled
	case code == http.StatusBadGateway, code == http.StatusServiceUnavailable, code == http.StatusGatewayTimeout:
		return instruments.PushUnavailable
	case code >= 400 && code < 500:
		return instruments.PushRejected
	}
	return instruments.PushOther
}

func reasonOfCode(code codes.Code) instruments.PushFailureReason {
	switch code {
	case codes.DeadlineExceeded, codes.Canceled:
		return instruments.PushTimeout
	case codes.ResourceExhausted:
		return instruments.PushThrottled
	case codes.InvalidArgument, codes.Unauthenticated, codes.PermissionDenied, codes.Unimplemented,
		codes.NotFound, codes.FailedPrecondition, codes.OutOfRange, codes.AlreadyExists:
		return instruments.PushRejected
	case codes.Aborted, codes.DataLoss:
		return instruments.PushUnavailable
	}
	return instruments.PushOther
}

// explain is the text of err with the status of the answer, which the exporter
// leaves out where the collector may be asked again, and loses where the rest
// of the answer does not arrive.
func (a *answer) explain(err error) string {
	text := err.Error()
	if a.httpStatus == 0 || strings.Contains(text, fmt.Sprintf(" %d ", a.httpStatus)) {
		return text
	}
	return strings.TrimSpace(fmt.Sprintf("status %d %s", a.httpStatus, http.StatusText(a.httpStatus))) + ": " + text
}

func isTimeout(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || errors.Is(err, os.ErrDeadlineExceeded) {
		return true
	}
	netErr, ok := errors.AsType[net.Error](err)
	return ok && netErr.Timeout()
}

// isTLS also reads the text, since gRPC keeps nothing else of a handshake.
func isTLS(err error) bool {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return true
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return true
	}
	if _, ok := errors.AsType[tls.AlertError](err); ok {
		return true
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return true
	}
	text := err.Error()
	return strings.Contains(text, "tls: ") || strings.Contains(text, "x509: ") ||
		strings.Contains(text, "authentication handshake failed") ||
		strings.Contains(text, "HTTP response to HTTPS client")
}

func isConnection(err error) bool {
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}
