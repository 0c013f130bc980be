package gcs

import (
	"net/http"
	"net/url"
)

// sent goes on after a request that brought an object, or opened a session.
func (a *attempt) sent() {
	if a.err != nil || a.resp == nil || !succeeded(a.resp.StatusCode) {
		a.failed()
		return
	}
	if a.op == sessionStart {
		if session := sessionOf(a.resp); session != "" {
			a.transport.ledger.parkOpened(a.transfer, session, a.req.Context())
			return
		}
	}
	a.transport.ledger.end(a.transfer)
}

// sentData goes on after a request of a session. Without an answer that is
// final the session stays open.
func (a *attempt) sentData(session string) {
	l := &a.transport.ledger
	answered, part := a.err == nil && a.resp != nil, a.op == sessionPart
	switch {
	case answered && (incomplete(a.resp) || part && succeeded(a.resp.StatusCode)):
		l.parkSession(a.transfer, session, idleWindow)
	case answered && !part && a.next() == never:
		l.end(a.transfer)
	case a.next() == unlikely, l.wasGivenUp(a.transfer):
		l.giveUp(a.transfer, session)
	default:
		l.parkSession(a.transfer, session, retryWindow)
	}
}

func succeeded(code int) bool { return 200 <= code && code < 300 }

// incomplete is the answer that asks for more of the object. With a header the
// client can ask for another form of it, which redirects nobody.
func incomplete(resp *http.Response) bool {
	return resp.StatusCode == http.StatusPermanentRedirect ||
		resp.Header.Get("X-Http-Status-Code-Override") == "308"
}

// sessionOf is the name of the session that the response opened, or empty.
func sessionOf(resp *http.Response) string {
	location, err := url.Parse(resp.Header.Get("Location"))
	if err != nil {
		return ""
	}
	return valueOf(location.RawQuery, "upload_id")
}
