package gcs

import (
	"net/http"

	"github.com/telltale-agent/telltale/instruments"
)

// Transport returns a round tripper that measures the uploads and downloads
// that go through base, which is http.DefaultTransport if it is nil. Give it to
// the client of Cloud Storage, below what authenticates; one client needs one
// transport, since retries are recognised within it.
//
// Requests, responses and errors are those of base, but for the body of a
// download, which notices when it is read to its end or closed. With a nil
// registry it is base itself. It is safe for concurrent use.
func Transport(reg *instruments.Registry, base http.RoundTripper) http.RoundTripper {
	if base == nil {
		base = http.DefaultTransport
	}
	if reg == nil {
		return base
	}
	return &transport{
		base: base,
		uploads: measure{
			count:   instruments.GCSUploads.In(reg),
			seconds: instruments.GCSUploadSeconds.In(reg),
		},
		downloads: measure{
			count:   instruments.GCSDownloads.In(reg),
			seconds: instruments.GCSDownloadSeconds.In(reg),
		},
	}
}

type transport struct {
	base      http.RoundTripper
	uploads   measure
	downloads measure
	ledger    ledger
}

// CloseIdleConnections is what http.Client calls by the method of that name.
func (t *transport) CloseIdleConnections() {
	if closer, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		closer.CloseIdleConnections()
	}
}

// RoundTrip sends the request.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	op, session := classify(req)
	if op == other {
		return t.base.RoundTrip(req)
	}
	token := retryToken(req)
	x := t.begin(req, op, session, token)
	if x == nil {
		return t.base.RoundTrip(req)
	}
	returned := false
	defer func() {
		if !returned { // a panic, or the end of the goroutine
			t.ledger.end(x)
		}
	}()
	resp, err := t.base.RoundTrip(req)
	returned = true

	a := attempt{transport: t, transfer: x, op: op, req: req, resp: resp, err: err, token: token}
	switch op {
	case download:
		a.downloaded()
	case sessionData, sessionPart:
		a.sentData(session)
	case sessionAbort:
		t.ledger.end(x)
	default:
		a.sent()
	}
	return resp, err
}

// begin returns the transfer that the request belongs to, or nil if it is not measured.
func (t *transport) begin(req *http.Request, op operation, session, token string) *transfer {
	switch op {
	case download:
		if x := t.ledger.resume(token); x != nil {
			return x
		}
		if x := t.ledger.resumeDownload(req.URL.Host, rawPath(req.URL), rangeOf(req)); x != nil {
			return x
		}
		return begin(&t.downloads)
	case upload, sessionStart:
		if x := t.ledger.resume(token); x != nil {
			return x
		}
		return begin(&t.uploads)
	case sessionData, sessionPart:
		return t.ledger.join(&t.uploads, session)
	case sessionAbort:
		return t.ledger.resume(session)
	}
	return nil
}

// retryToken is the same for all the attempts that the official client makes at
// one request. It is empty when the client would not make another.
func retryToken(req *http.Request) string {
	if req.Body != nil && req.Body != http.NoBody && req.GetBody == nil {
		return ""
	}
	if values := req.Header["X-Goog-Gcs-Idempotency-Token"]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// attempt is one request of a transfer and what came of it.
type attempt struct {
	transport *transport
	transfer  *transfer
	op        operation
	req       *http.Request
	resp      *http.Response
	err       error
	token     string
}

// failed ends the attempt, and the transfer unless another attempt follows.
func (a *attempt) failed() {
	l := &a.transport.ledger
	next := a.next()
	switch {
	case a.token == "" || next == never:
		l.end(a.transfer)
	case next == unlikely || a.req.Context().Err() != nil:
		l.giveUp(a.transfer, a.token)
	default:
		l.park(a.transfer, a.token, a.req.Context(), retryWindow)
	}
}
