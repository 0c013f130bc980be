package gcs

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
)

// downloaded goes on after the head of a download was received.
func (a *attempt) downloaded() {
	if a.err != nil || a.resp == nil || !succeeded(a.resp.StatusCode) {
		a.failed()
		return
	}
	if a.resp.Body == nil || a.resp.Body == http.NoBody {
		a.transport.ledger.end(a.transfer)
		return
	}
	b := &body{ReadCloser: a.resp.Body, ledger: &a.transport.ledger, transfer: a.transfer, ctx: a.req.Context()}
	b.rest.next, b.rest.total = contentRange(a.resp)
	if a.token != "" {
		b.rest.host, b.rest.path = a.req.URL.Host, rawPath(a.req.URL)
	}
	a.resp.Body = b
	if w, ok := b.ReadCloser.(io.WriterTo); ok {
		a.resp.Body = bodyWriterTo{body: b, to: w}
	}
}

// body is the body of a download. Read is for one goroutine at a time, Close
// for any, as usual.
type body struct {
	io.ReadCloser
	ledger   *ledger
	transfer *transfer
	ctx      context.Context // of the request
	rest     rest            // what is missing; without a path nobody would ask for it
	state    atomic.Uint32
}

// States of a body. They only grow.
const (
	bodyOpen   uint32 = iota
	bodyBroken        // a read failed; the client may ask for the rest
	bodyLeft          // closed after that, which the client does before it asks
	bodyEnded
)

func (b *body) Read(p []byte) (int, error) {
	returned := false
	defer b.endUnless(&returned)
	n, err := b.ReadCloser.Read(p)
	returned = true
	b.rest.next += int64(n)
	if err != nil {
		b.stop(err)
	}
	return n, err
}

// Close ends the download. After a failed read it takes two: the client closes
// the body before it asks for the rest, and once more when that failed as well.
func (b *body) Close() error {
	switch {
	case b.state.CompareAndSwap(bodyOpen, bodyEnded):
		b.ledger.end(b.transfer)
	case b.state.CompareAndSwap(bodyBroken, bodyLeft):
	case b.state.CompareAndSwap(bodyLeft, bodyEnded):
		b.ledger.endIfIdle(b.transfer)
	}
	return b.ReadCloser.Close()
}

func (b *body) stop(err error) {
	if err != io.EOF && b.rest.path != "" && b.ctx.Err() == nil {
		if b.state.CompareAndSwap(bodyOpen, bodyBroken) {
			b.ledger.parkBroken(b.transfer, b.rest, b.ctx)
		}
		return
	}
	if b.state.CompareAndSwap(bodyOpen, bodyEnded) {
		b.ledger.end(b.transfer)
	}
}

func (b *body) endUnless(returned *bool) {
	if !*returned && b.state.CompareAndSwap(bodyOpen, bodyEnded) { // a panic
		b.ledger.end(b.transfer)
	}
}

// bodyWriterTo keeps the short way of a body that has one.
type bodyWriterTo struct {
	*body
	to io.WriterTo
}

// WriteTo ends the download with the end of the body. An error may be the
// writer's, after which the body can still be read: Close will end it.
func (b bodyWriterTo) WriteTo(w io.Writer) (int64, error) {
	returned := false
	defer b.endUnless(&returned)
	n, err := b.to.WriteTo(w)
	returned = true
	b.rest.next += n
	if err == nil {
		b.stop(io.EOF)
	}
	return n, err
}

// byteRange is what a request asks for: everything from a byte on, or the last
// bytes of the object.
type byteRange struct{ from, last int64 }

func rangeOf(req *http.Request) byteRange {
	spec, ok := strings.CutPrefix(req.Header.Get("Range"), "bytes=")
	if !ok {
		return byteRange{}
	}
	from, last, _ := strings.Cut(spec, "-")
	if from == "" {
		return byteRange{from: -1, last: number(last)}
	}
	return byteRange{from: number(from)}
}

// continues says whether the range begins where the download broke.
func (r byteRange) continues(t rest) bool {
	if r.from < 0 {
		return t.total > 0 && r.last == t.total-t.next
	}
	return r.from == t.next
}

// contentRange reads where in an object the response begins, and its size. Both
// are 0 in a response that has the whole object.
func contentRange(resp *http.Response) (start, total int64) {
	if resp.StatusCode != http.StatusPartialContent {
		return 0, 0
	}
	spec, _ := strings.CutPrefix(resp.Header.Get("Content-Range"), "bytes ")
	span, size, _ := strings.Cut(spec, "/")
	from, _, _ := strings.Cut(span, "-")
	return max(0, number(from)), max(0, number(size))
}

// number is -1 for what is none.
func number(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return -1
	}
	return n
}
