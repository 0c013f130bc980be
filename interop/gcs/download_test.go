package gcs

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"testing"

	"cloud.google.com/go/storage"
	"github.com/fsouza/fake-gcs-server/fakestorage"
	"google.golang.org/api/option"
)

const size = 100_000

func stored() fakestorage.Object {
	return fakestorage.Object{
		ObjectAttrs: fakestorage.ObjectAttrs{BucketName: bucket, Name: "dir/object"}, Content: content(size),
	}
}

// fetch reads a range of an object the way a program does.
func fetch(ctx context.Context, object *storage.ObjectHandle, offset, length int64) ([]byte, error) {
	r, err := object.NewRangeReader(ctx, offset, length)
	if err != nil {
		return nil, err
	}
	got, err := io.ReadAll(r)
	return got, errors.Join(err, r.Close())
}

// apis are the two protocols that the client reads with.
var apis = map[string][]option.ClientOption{"XML": nil, "JSON": {storage.WithJSONReads()}}

func TestDownloads(t *testing.T) {
	whole := content(size)
	for _, row := range []struct {
		name           string
		offset, length int64
		faults         []fault
		want           []byte
	}{
		{name: "whole", length: -1, want: whole},
		{name: "range", offset: 100, length: 1000, want: whole[100:1100]},
		{name: "from an offset", offset: 99_000, length: -1, want: whole[99_000:]},
		{name: "last bytes", offset: -500, length: -1, want: whole[size-500:]},
		{name: "opened at the fourth attempt", length: -1, want: whole, faults: []fault{status(503), drop, status(429)}},
		{name: "cut", length: -1, want: whole, faults: []fault{cutAfter(30_000)}},
		{name: "cut at once", length: -1, want: whole, faults: []fault{cutAfter(0)}},
		{name: "cut three times, and busy between", length: -1, want: whole,
			faults: []fault{cutAfter(30_000), status(503), cutAfter(10_000), drop, cutAfter(10_000)}},
		{name: "range cut", offset: 1000, length: 50_000, want: whole[1000:51_000], faults: []fault{cutAfter(20_000)}},
		{name: "last bytes cut", offset: -50_000, length: -1, want: whole[50_000:], faults: []fault{cutAfter(20_000)}},
	} {
		for api, options := range apis {
			t.Run(row.name+"/"+api, func(t *testing.T) {
				e := newExit(t)
				s := newServer(t, stored())
				object := s.client(t, e.Registry, options...).Bucket(bucket).Object("dir/object")
				s.spoil(isGet, row.faults...)
				got, err := fetch(t.Context(), object, row.offset, row.length)
				if err != nil || !bytes.Equal(got, row.want) {
					t.Errorf("got %d bytes and %v, want %d", len(got), err, len(row.want))
				}
				if left := s.left(); left > 0 {
					t.Errorf("%d faults did not happen", left)
				}
				e.want(t, 0, 1)
			})
		}
	}
}

func TestDownloadsThatFail(t *testing.T) {
	for api, options := range apis {
		t.Run(api, func(t *testing.T) {
			e := newExit(t)
			s := newServer(t, stored())
			b := s.client(t, e.Registry, options...).Bucket(bucket)
			if _, err := fetch(t.Context(), b.Object("nothing"), 0, -1); !errors.Is(err, storage.ErrObjectNotExist) {
				t.Errorf("got %v, want %v", err, storage.ErrObjectNotExist)
			}
			e.want(t, 0, 1)
			if _, err := fetch(t.Context(), b.Object("dir/object").If(storage.Conditions{GenerationMatch: 7}), 0, -1); err == nil {
				t.Log("the server does not look at conditions")
			}
			e.want(t, 0, 2)
			s.spoil(isGet, status(403))
			if _, err := fetch(t.Context(), b.Object("dir/object"), 0, -1); err == nil {
				t.Error("got no error")
			}
			e.want(t, 0, 3)
			s.spoil(isGet, cutAfter(10), status(403))
			if _, err := fetch(t.Context(), b.Object("dir/object"), 0, -1); err == nil {
				t.Error("got no error")
			}
			e.want(t, 0, 4)
		})
	}
}

func TestDownloadIsCountedWhenItsReaderEnds(t *testing.T) {
	e := newExit(t)
	s := newServer(t, stored())
	object := s.client(t, e.Registry).Bucket(bucket).Object("dir/object")
	r, err := object.NewReader(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(r, make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	e.want(t, 0, 0)
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	e.want(t, 0, 1)
	if got := e.Collect(t)["gcs_event_storage_downloads_seconds_sum"]; got <= 0 {
		t.Errorf("got a download of %v s", got)
	}

	// A reader of nothing asks for the attributes only.
	if _, err := fetch(t.Context(), object, 0, 0); err != nil {
		t.Error(err)
	}
	e.want(t, 0, 1)
}

func TestDownloadsThatAreCancelled(t *testing.T) {
	for api, options := range apis {
		t.Run("while it is opened/"+api, func(t *testing.T) {
			e := newExit(t)
			s := newServer(t, stored())
			object := s.client(t, e.Registry, options...).Bucket(bucket).Object("dir/object")
			arrived := make(chan struct{})
			s.spoil(isGet, hang(arrived))
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go func() {
				<-arrived
				cancel()
			}()
			if _, err := fetch(ctx, object, 0, -1); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want %v", err, context.Canceled)
			}
			e.want(t, 0, 1)
		})
		t.Run("while it is read/"+api, func(t *testing.T) {
			e := newExit(t)
			s := newServer(t, stored())
			object := s.client(t, e.Registry, options...).Bucket(bucket).Object("dir/object")
			s.spoil(isGet, stallAfter(1000))
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			r, err := object.NewReader(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(r, make([]byte, 1000)); err != nil {
				t.Fatal(err)
			}
			cancel()
			if _, err := io.ReadAll(r); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want %v", err, context.Canceled)
			}
			_ = r.Close()
			e.want(t, 0, 1)
		})
		t.Run("between two attempts/"+api, func(t *testing.T) {
			e := newExit(t)
			s := newServer(t, stored())
			object := s.client(t, e.Registry, options...).Bucket(bucket).Object("dir/object")
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			s.spoil(isGet, status(503), func(_ http.Handler, w http.ResponseWriter, _ *http.Request) {
				http.Error(w, "busy", http.StatusServiceUnavailable)
				cancel()
			})
			if _, err := fetch(ctx, object, 0, -1); err == nil {
				t.Error("got no error")
			}
			e.await(t, 0, 1)
		})
	}
}

// stallAfter stops in the middle of the answer until the connection is gone.
func stallAfter(n int) fault {
	return func(_ http.Handler, w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "100000")
		_, _ = w.Write(content(n))
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}
}
