package gcs_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

const (
	host       = "http://storage.example"
	uploadPath = host + "/upload/storage/v1/b/bucket/o?name=object&uploadType="
	mediaPath  = host + "/storage/v1/b/bucket/o/object?alt=media"
	sessionURL = uploadPath + "resumable&upload_id=one"
	token      = "X-Goog-Gcs-Idempotency-Token"
)

// errCut is an error after which the client tries again, errOdd is not.
var (
	errCut = errors.New("read tcp: connection reset by peer")
	errOdd = errors.New("certificate has expired")
)

// peer is a base transport that answers by a function.
type peer func(*http.Request) (*http.Response, error)

func (p peer) RoundTrip(req *http.Request) (*http.Response, error) { return p(req) }

// answer is a response, or an error of the transport, that comes after a while.
type answer struct {
	status int
	header string // "Key: value", or empty
	body   io.ReadCloser
	err    error
	after  time.Duration
}

// script answers one request after the other, and fails for one too many.
func script(tb testing.TB, answers ...answer) peer {
	return func(req *http.Request) (*http.Response, error) {
		if len(answers) == 0 {
			tb.Errorf("request that the script has no answer to: %s %s", req.Method, req.URL)
			return nil, errCut
		}
		next := answers[0]
		answers = answers[1:]
		time.Sleep(next.after)
		return next.response(req)
	}
}

func (a answer) response(req *http.Request) (*http.Response, error) {
	if a.err != nil {
		return nil, a.err
	}
	resp := &http.Response{StatusCode: a.status, Header: http.Header{}, Body: a.body, Request: req}
	if resp.Body == nil {
		resp.Body = io.NopCloser(strings.NewReader("content"))
	}
	if key, value, ok := strings.Cut(a.header, ": "); ok {
		resp.Header.Set(key, value)
	}
	return resp, nil
}

// request makes a request whose body, if it has one, can be sent again.
func request(tb testing.TB, ctx context.Context, method, url string, headers ...string) *http.Request {
	tb.Helper()
	var body io.Reader
	if method == http.MethodPut || method == http.MethodPost {
		body = strings.NewReader("content")
	}
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		tb.Fatal(err)
	}
	for _, header := range headers {
		key, value, _ := strings.Cut(header, ": ")
		req.Header.Set(key, value)
	}
	return req
}

// send sends the request and reads the response to its end.
func send(tb testing.TB, rt http.RoundTripper, req *http.Request) {
	tb.Helper()
	resp, err := rt.RoundTrip(req)
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	if err := resp.Body.Close(); err != nil {
		tb.Error(err)
	}
}

// reader is a body that is read in steps.
type reader struct {
	text   string
	err    error
	closed int
}

func (r *reader) Read(p []byte) (int, error) {
	if r.text == "" {
		return 0, r.err
	}
	n := copy(p, r.text)
	r.text = r.text[n:]
	return n, nil
}

var errClose = errors.New("close failed")

func (r *reader) Close() error {
	r.closed++
	return errClose
}
