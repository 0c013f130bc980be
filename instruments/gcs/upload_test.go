package gcs_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/telltale-agent/telltale/instruments/gcs"
)

// step is a request, what is answered, and how many uploads are counted then.
type step struct {
	method, url string
	header      string
	answer      answer
	want        int
}

var (
	opened = answer{status: 200, header: "Location: " + sessionURL}
	more   = answer{status: 200, header: "X-Http-Status-Code-Override: 308"}
	more2  = answer{status: 308}
	done   = answer{status: 200}
	cut    = answer{err: errCut}
	odd    = answer{err: errOdd}
	busy   = answer{status: 503}
)

func start(a answer, want int) step { return step{"POST", uploadPath + "resumable", "", a, want} }
func chunk(a answer, want int) step { return step{"POST", sessionURL, "", a, want} }

func TestSessionIsOneUpload(t *testing.T) {
	for name, steps := range map[string][]step{
		"one chunk":          {start(opened, 0), chunk(done, 1)},
		"chunks":             {start(opened, 0), chunk(more, 0), chunk(more2, 0), chunk(done, 1)},
		"a chunk again":      {start(opened, 0), chunk(more, 0), chunk(cut, 0), chunk(busy, 0), chunk(more, 0), chunk(done, 1)},
		"asked for progress": {start(opened, 0), chunk(cut, 0), {"PUT", sessionURL, "Content-Range: bytes */*", more2, 0}, chunk(done, 1)},
		"refused":            {start(opened, 0), chunk(more, 0), chunk(answer{status: 412}, 1)},
		"session gone":       {start(opened, 0), chunk(cut, 0), chunk(answer{status: 410}, 1)},
		"not opened":         {start(answer{status: 403}, 1)},
		"not opened, busy":   {start(busy, 1)},
		"cancelled":          {start(opened, 0), chunk(more, 0), {"DELETE", sessionURL, "", answer{status: 499}, 1}},
		"cancel fails":       {start(opened, 0), {"DELETE", sessionURL, "", cut, 1}},
		"taken over":         {chunk(more, 0), chunk(done, 1)},
		"two uploads": {start(opened, 0), chunk(done, 1),
			{"POST", uploadPath + "resumable", "", answer{status: 200, header: "Location: " + sessionURL + "2"}, 1},
			{"PUT", sessionURL + "2", "", done, 2}},
		"opened again": {
			{"POST", uploadPath + "resumable", token + ": a", busy, 0},
			{"POST", uploadPath + "resumable", token + ": a", cut, 0},
			{"POST", uploadPath + "resumable", token + ": a", opened, 0},
			{"PUT", sessionURL, token + ": b", busy, 0},
			{"PUT", sessionURL, token + ": b", done, 1},
		},
		"whole object again": {
			{"POST", uploadPath + "multipart", token + ": a", cut, 0},
			{"POST", uploadPath + "multipart", token + ": a", busy, 0},
			{"POST", uploadPath + "multipart", token + ": a", done, 1},
			{"POST", uploadPath + "multipart", token + ": b", done, 2},
		},
		"whole object, no retries":                      {{"POST", uploadPath + "multipart", "", cut, 1}, {"POST", uploadPath + "multipart", "", busy, 2}},
		"error that is not tried again":                 {start(opened, 0), chunk(odd, 1)},
		"error that is tried again against expectation": {start(opened, 0), chunk(odd, 1), chunk(more, 1), chunk(done, 1)},
		"not opened, tried again against expectation": {
			{"POST", uploadPath + "resumable", token + ": a", odd, 1},
			{"POST", uploadPath + "resumable", token + ": a", opened, 1},
			chunk(more, 1),
			chunk(done, 1),
		},
		"connection closed":       {start(opened, 0), chunk(answer{err: io.EOF}, 1)},
		"connection closed early": {start(opened, 0), chunk(answer{err: io.ErrUnexpectedEOF}, 0), chunk(done, 1)},
		"temporary trouble":       {start(opened, 0), chunk(answer{err: &net.DNSError{IsTemporary: true}}, 0), chunk(done, 1)},
		"XML session": {
			{"POST", host + "/b/o", "X-Goog-Resumable: start", opened, 0},
			{"PUT", host + "/b/o?upload_id=one", "", more2, 0},
			{"PUT", host + "/b/o?upload_id=one", "", done, 1},
		},
		"XML parts": {
			{"POST", host + "/b/o?uploads", "", done, 0},
			{"PUT", host + "/b/o?partNumber=1&uploadId=u", "", done, 0},
			{"PUT", host + "/b/o?partNumber=2&uploadId=u", "", busy, 0},
			{"PUT", host + "/b/o?partNumber=2&uploadId=u", "", done, 0},
			{"POST", host + "/b/o?uploadId=u", "", done, 1},
		},
		"XML parts given up": {
			{"PUT", host + "/b/o?partNumber=1&uploadId=u", "", done, 0},
			{"DELETE", host + "/b/o?uploadId=u", "", done, 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newExit(t)
				var answers []answer
				for _, s := range steps {
					s.answer.after = time.Second
					answers = append(answers, s.answer)
				}
				rt := gcs.Transport(e.Registry, script(t, answers...))
				for i, s := range steps {
					req := request(t, t.Context(), s.method, s.url)
					if s.header != "" {
						req = request(t, t.Context(), s.method, s.url, s.header)
					}
					send(t, rt, req)
					if got := e.read(t).uploads; got != s.want {
						t.Errorf("after step %d: got %d uploads, want %d", i+1, got, s.want)
					}
				}
			})
		})
	}
}

func TestUploadTakesFromItsFirstRequestToItsLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExit(t)
		second := func(a answer) answer { a.after = time.Second; return a }
		rt := gcs.Transport(e.Registry, script(t, second(opened), second(more), second(cut), second(done)))
		send(t, rt, request(t, t.Context(), "POST", uploadPath+"resumable"))
		send(t, rt, request(t, t.Context(), "POST", sessionURL))
		time.Sleep(time.Hour) // the program has nothing to send
		send(t, rt, request(t, t.Context(), "POST", sessionURL))
		time.Sleep(30 * time.Second)
		send(t, rt, request(t, t.Context(), "POST", sessionURL))
		if got, want := e.read(t).uploadSeconds, (time.Hour + 34*time.Second).Seconds(); got != want {
			t.Errorf("got %v s, want %v", got, want)
		}
	})
}

// What is not gone on with is counted when nobody can go on with it, and lasted
// until its last request.
func TestUploadThatIsLeft(t *testing.T) {
	for _, row := range []struct {
		name    string
		last    answer
		waits   time.Duration
		seconds float64
	}{
		{"after a failure", busy, 40 * time.Second, 2},
		{"between two chunks", more, 24 * time.Hour, 2},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newExit(t)
				row.last.after = 2 * time.Second
				rt := gcs.Transport(e.Registry, script(t, opened, row.last))
				send(t, rt, request(t, t.Context(), "POST", uploadPath+"resumable"))
				send(t, rt, request(t, t.Context(), "POST", sessionURL))
				time.Sleep(row.waits - time.Nanosecond)
				synctest.Wait()
				e.want(t, 0, 0)
				time.Sleep(time.Nanosecond)
				synctest.Wait()
				if got := e.read(t); got.uploads != 1 || got.uploadSeconds != row.seconds {
					t.Errorf("got %d uploads in %v s, want 1 in %v s", got.uploads, got.uploadSeconds, row.seconds)
				}
			})
		})
	}
}

func TestUploadWhoseContextEnds(t *testing.T) {
	for _, row := range []struct {
		name string
		last answer
	}{
		{"between two chunks", more},
		{"between two attempts", busy},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newExit(t)
				rt := gcs.Transport(e.Registry, script(t, opened, row.last, done))
				ctx, cancel := context.WithCancel(t.Context())
				send(t, rt, request(t, ctx, "POST", uploadPath+"resumable"))
				send(t, rt, request(t, ctx, "POST", sessionURL))
				e.want(t, 0, 0)
				cancel()
				synctest.Wait()
				e.want(t, 1, 0)
				send(t, rt, request(t, t.Context(), "POST", sessionURL)) // and yet it goes on
				time.Sleep(48 * time.Hour)
				synctest.Wait()
				e.want(t, 1, 0)
			})
		})
	}
}

// The client bounds the time of a chunk with a context of its own, and an
// http.Client with a timeout that of every request. Neither ends the upload.
func TestContextOfOneRequestEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExit(t)
		rt := gcs.Transport(e.Registry, script(t, opened, more, cut, done))
		for i := range 4 {
			e.want(t, 0, 0)
			ctx, cancel := context.WithCancel(t.Context())
			url := sessionURL
			if i == 0 {
				url = uploadPath + "resumable"
			}
			send(t, rt, request(t, ctx, "POST", url))
			cancel()
			synctest.Wait()
		}
		e.want(t, 1, 0)
	})
}

func TestSessionThatIsOpenedAndLeftByItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExit(t)
		rt := gcs.Transport(e.Registry, script(t, opened))
		ctx, cancel := context.WithCancel(t.Context())
		send(t, rt, request(t, ctx, "POST", uploadPath+"resumable"))
		cancel()
		synctest.Wait()
		e.want(t, 0, 0)
		time.Sleep(41 * time.Second)
		synctest.Wait()
		e.want(t, 1, 0)
	})
}

func TestCancelledUpload(t *testing.T) {
	for _, url := range []string{uploadPath + "multipart", uploadPath + "resumable"} {
		for _, a := range []answer{{err: context.Canceled}, busy, cut} {
			e := newExit(t)
			ctx, cancel := context.WithCancel(t.Context())
			rt := gcs.Transport(e.Registry, peer(func(req *http.Request) (*http.Response, error) {
				cancel()
				return a.response(req)
			}))
			send(t, rt, request(t, ctx, "POST", url, token+": a"))
			e.want(t, 1, 0)
			send(t, rt, request(t, ctx, "POST", url, token+": a"))
			e.want(t, 1, 0)
		}
	}
}

func TestUploadThatIsCancelledInAChunk(t *testing.T) {
	for _, last := range []answer{{err: context.Canceled}, busy, cut} {
		e := newExit(t)
		ctx, cancel := context.WithCancel(t.Context())
		n := 0
		rt := gcs.Transport(e.Registry, peer(func(req *http.Request) (*http.Response, error) {
			n++
			if n == 3 {
				cancel()
			}
			return []answer{opened, more, last}[n-1].response(req)
		}))
		send(t, rt, request(t, ctx, "POST", uploadPath+"resumable"))
		send(t, rt, request(t, ctx, "POST", sessionURL))
		e.want(t, 0, 0)
		send(t, rt, request(t, ctx, "POST", sessionURL))
		e.want(t, 1, 0)
	}
}

// A body that cannot be sent again is not, whatever the token says.
func TestStreamedUploadFails(t *testing.T) {
	e := newExit(t)
	rt := gcs.Transport(e.Registry, script(t, busy))
	req := request(t, t.Context(), "POST", uploadPath+"multipart", token+": a")
	req.GetBody = nil
	send(t, rt, req)
	e.want(t, 1, 0)
}

// A program sends the parts of an XML multipart upload side by side. All that
// comes first goes out at once, and yet is the begin of one upload.
func TestPartsSideBySideAreOneUpload(t *testing.T) {
	const uploads, parts = 2000, 4
	synctest.Test(t, func(t *testing.T) {
		e := newExit(t)
		rt := gcs.Transport(e.Registry, peer(func(req *http.Request) (*http.Response, error) {
			time.Sleep(time.Second)
			return done.response(req)
		}))
		for i := range uploads {
			url := fmt.Sprintf("%s/b/o?uploadId=%d", host, i)
			var sending sync.WaitGroup
			ready := make(chan struct{})
			for range parts {
				part := request(t, t.Context(), "PUT", url)
				sending.Go(func() {
					<-ready
					send(t, rt, part)
				})
			}
			close(ready)
			sending.Wait()
			send(t, rt, request(t, t.Context(), "POST", url))
		}
		time.Sleep(48 * time.Hour) // nothing is left that would be given up
		synctest.Wait()
		e.want(t, uploads, 0)
	})
}

func TestSessionsAreBounded(t *testing.T) {
	const bound, tooMany = 1024, 10
	synctest.Test(t, func(t *testing.T) {
		e := newExit(t)
		n := 0
		rt := gcs.Transport(e.Registry, peer(func(req *http.Request) (*http.Response, error) {
			n++
			location := fmt.Sprintf("Location: %sresumable&upload_id=%d", uploadPath, n)
			return answer{status: 200, header: location}.response(req)
		}))
		for range bound {
			send(t, rt, request(t, t.Context(), "POST", uploadPath+"resumable"))
		}
		e.want(t, 0, 0)
		for range tooMany {
			send(t, rt, request(t, t.Context(), "POST", uploadPath+"resumable"))
		}
		e.want(t, tooMany, 0)
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		e.want(t, bound+tooMany, 0)
	})
}

// Nothing of the answer to an upload is touched.
func TestUploadPassesTheResponseOn(t *testing.T) {
	content := &reader{text: "attributes", err: io.EOF}
	rt := gcs.Transport(newExit(t).Registry, script(t, answer{status: 200, body: content}))
	resp, err := rt.RoundTrip(request(t, t.Context(), "POST", uploadPath+"media"))
	if err != nil || resp.Body != io.ReadCloser(content) {
		t.Errorf("got %v, %v, want the response of the base", resp, err)
	}
}
