package gcs_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/telltale-agent/telltale/instruments/gcs"
)

// get sends a request for media that must be answered.
func get(t *testing.T, rt http.RoundTripper, ctx context.Context, headers ...string) *http.Response {
	t.Helper()
	resp, err := rt.RoundTrip(request(t, ctx, "GET", mediaPath, headers...))
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

// readAll reads to the end or the first error, and returns that.
func readAll(t *testing.T, resp *http.Response, want string) error {
	t.Helper()
	got, err := io.ReadAll(resp.Body)
	if string(got) != want {
		t.Errorf("got %q, want %q", got, want)
	}
	return err
}

func TestDownloadLastsUntilTheBodyIsRead(t *testing.T) {
	for _, row := range []struct {
		name string
		end  func(*testing.T, *http.Response)
	}{
		{"read", func(t *testing.T, resp *http.Response) {
			if err := readAll(t, resp, "content"); err != nil {
				t.Error(err)
			}
		}},
		{"closed", func(t *testing.T, resp *http.Response) {
			if err := resp.Body.Close(); !errors.Is(err, errClose) {
				t.Errorf("got %v, want the error of the body", err)
			}
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newExit(t)
				content := &reader{text: "content", err: io.EOF}
				rt := gcs.Transport(e.Registry, script(t, answer{status: 200, body: content, after: time.Second}))
				resp := get(t, rt, t.Context())
				time.Sleep(time.Minute)
				e.want(t, 0, 0)
				row.end(t, resp)
				want := totals{downloads: 1, downloadSeconds: 61}
				if got := e.read(t); got != want {
					t.Errorf("got %+v, want %+v", got, want)
				}
				before := content.closed
				for range 3 {
					if err := resp.Body.Close(); !errors.Is(err, errClose) {
						t.Errorf("got %v, want the error of the body", err)
					}
				}
				if got := content.closed - before; got != 3 {
					t.Errorf("got %d calls of Close passed on, want 3", got)
				}
				e.want(t, 0, 1)
			})
		})
	}
}

func TestDownloadThatIsRefused(t *testing.T) {
	for _, row := range []struct {
		name string
		answer
		want int
	}{
		{"not found", answer{status: 404}, 1},
		{"not modified", answer{status: 304}, 1},
		{"range not satisfiable", answer{status: 416}, 1},
		{"no connection", cut, 1},
		{"no content", answer{status: 200, body: http.NoBody}, 1},
		{"unavailable", busy, 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			e := newExit(t)
			send(t, gcs.Transport(e.Registry, script(t, row.answer)), request(t, t.Context(), "GET", mediaPath))
			e.want(t, 0, row.want)
		})
	}
}

func TestAttemptsToOpenAreOneDownload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExit(t)
		rt := gcs.Transport(e.Registry, script(t, busy, cut, answer{err: io.EOF}, answer{status: 200}, busy))
		for range 4 {
			e.want(t, 0, 0)
			send(t, rt, request(t, t.Context(), "GET", mediaPath, token+": a"))
			time.Sleep(10 * time.Second)
		}
		if got := e.read(t); got != (totals{downloads: 1, downloadSeconds: 30}) {
			t.Errorf("got %+v, want one download of 30 s", got)
		}
		send(t, rt, request(t, t.Context(), "GET", mediaPath, token+": b"))
		time.Sleep(41 * time.Second) // no attempt follows
		synctest.Wait()
		e.want(t, 0, 2)
	})
}

func TestReaderThatLosesItsConnection(t *testing.T) {
	broken := func(text string) io.ReadCloser { return &reader{text: text, err: io.ErrUnexpectedEOF} }
	for _, row := range []struct {
		name    string
		first   answer
		ranges  [2]string
		follows answer
	}{
		{"from the start", answer{status: 200, body: broken("abc")}, [2]string{"", "bytes=3-"}, answer{status: 206}},
		{"before the first byte", answer{status: 200, body: broken("")}, [2]string{"", ""}, answer{status: 200}},
		{"within a range", answer{status: 206, header: "Content-Range: bytes 100-109/500", body: broken("abc")},
			[2]string{"bytes=100-109", "bytes=103-109"}, answer{status: 206}},
		{"within the last bytes", answer{status: 206, header: "Content-Range: bytes 490-499/500", body: broken("abc")},
			[2]string{"bytes=-10", "bytes=-7"}, answer{status: 206}},
		{"and for good", answer{status: 200, body: broken("abc")}, [2]string{"", "bytes=3-"}, answer{status: 404}},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newExit(t)
				rt := gcs.Transport(e.Registry, script(t, row.first, row.follows, answer{status: 200}))
				header := func(i int) []string {
					headers := []string{token + ": " + string(rune('a'+i))} // each attempt to open has another
					if row.ranges[i] != "" {
						headers = append(headers, "Range: "+row.ranges[i])
					}
					return headers
				}
				resp := get(t, rt, t.Context(), header(0)...)
				if _, err := io.Copy(io.Discard, resp.Body); !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Errorf("got %v, want the error of the body", err)
				}
				_ = resp.Body.Close() // as the client does before it asks for the rest
				e.want(t, 0, 0)
				send(t, rt, request(t, t.Context(), "GET", mediaPath, header(1)...))
				e.want(t, 0, 1)
				send(t, rt, request(t, t.Context(), "GET", mediaPath, header(1)...)) // by now another one
				time.Sleep(time.Hour)
				synctest.Wait()
				e.want(t, 0, 2)
			})
		})
	}
}

func TestReaderThatFails(t *testing.T) {
	for _, row := range []struct {
		name   string
		header string
		rest   func(*testing.T, *http.Response, context.CancelFunc)
	}{
		{"without retries", "X-None: 1", func(*testing.T, *http.Response, context.CancelFunc) {}},
		{"and is closed by the client and its user", token + ": a", func(t *testing.T, resp *http.Response, _ context.CancelFunc) {
			for range 2 {
				time.Sleep(5 * time.Second)
				_ = resp.Body.Close()
			}
		}},
		{"and its context ends", token + ": a", func(_ *testing.T, _ *http.Response, cancel context.CancelFunc) { cancel() }},
		{"and nobody asks for the rest", token + ": a", func(t *testing.T, resp *http.Response, _ context.CancelFunc) {
			_ = resp.Body.Close()
			time.Sleep(40 * time.Second)
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newExit(t)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				rt := gcs.Transport(e.Registry, script(t, answer{status: 200, body: &reader{text: "abc", err: errCut}, after: time.Second}))
				resp := get(t, rt, ctx, row.header)
				if err := readAll(t, resp, "abc"); !errors.Is(err, errCut) {
					t.Errorf("got %v, want the error of the body", err)
				}
				row.rest(t, resp, cancel)
				synctest.Wait()
				want := totals{downloads: 1, downloadSeconds: 1}
				if got := e.read(t); got != want {
					t.Errorf("got %+v, want %+v", got, want)
				}
				_ = resp.Body.Close()
				time.Sleep(time.Hour)
				synctest.Wait()
				e.want(t, 0, 1)
			})
		})
	}
}

// The rest of one object is not taken for that of another.
func TestRestOfAnotherObject(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExit(t)
		broken := answer{status: 200, body: &reader{text: "abc", err: errCut}}
		rt := gcs.Transport(e.Registry, script(t, broken, answer{status: 206}, answer{status: 206}))
		_, _ = io.Copy(io.Discard, get(t, rt, t.Context(), token+": a").Body)
		send(t, rt, request(t, t.Context(), "GET", host+"/storage/v1/b/bucket/o/other?alt=media", "Range: bytes=3-"))
		e.want(t, 0, 1)
		send(t, rt, request(t, t.Context(), "GET", mediaPath, "Range: bytes=4-"))
		e.want(t, 0, 2)
		time.Sleep(time.Hour)
		synctest.Wait()
		e.want(t, 0, 3)
	})
}

// shortcut is a body with a short way to a writer.
type shortcut struct{ *strings.Reader }

func (shortcut) Close() error { return nil }

func TestShortWayOfTheBodyIsKept(t *testing.T) {
	e := newExit(t)
	rt := gcs.Transport(e.Registry, script(t,
		answer{status: 200, body: shortcut{strings.NewReader("content")}},
		answer{status: 200, body: shortcut{strings.NewReader("content")}},
		answer{status: 200, body: &reader{text: "content", err: io.EOF}}))

	to, ok := get(t, rt, t.Context()).Body.(io.WriterTo)
	if !ok {
		t.Fatal("the body has lost its WriteTo")
	}
	var got bytes.Buffer
	if n, err := to.WriteTo(&got); n != 7 || err != nil || got.String() != "content" {
		t.Errorf("got %q, %d, %v, want the content", got.String(), n, err)
	}
	e.want(t, 0, 1)

	resp := get(t, rt, t.Context())
	if _, err := resp.Body.(io.WriterTo).WriteTo(failingWriter{}); !errors.Is(err, errCut) {
		t.Errorf("got %v, want the error of the writer", err)
	}
	e.want(t, 0, 1)
	_ = resp.Body.Close()
	e.want(t, 0, 2)

	if _, ok := get(t, rt, t.Context()).Body.(io.WriterTo); ok {
		t.Error("the body has got a WriteTo")
	}
}

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, errCut }
