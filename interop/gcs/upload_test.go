package gcs

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"cloud.google.com/go/storage"
	"github.com/fsouza/fake-gcs-server/fakestorage"
)

// chunk is the smallest size of a chunk that the client uses.
const chunk = 256 << 10

// put writes an object the way a program does.
func put(ctx context.Context, object *storage.ObjectHandle, content []byte, chunkSize int) error {
	w := object.NewWriter(ctx)
	w.ChunkSize = chunkSize
	if _, err := io.Copy(w, bytes.NewReader(content)); err != nil {
		return errors.Join(err, w.Close())
	}
	return w.Close()
}

func content(size int) []byte { return bytes.Repeat([]byte("0123456789abcdef"), size/16+1)[:size] }

func TestUploads(t *testing.T) {
	for _, row := range []struct {
		name        string
		size, chunk int
		meant       func(*http.Request) bool
		faults      []fault
		fails       bool
	}{
		{name: "empty", size: 0, chunk: chunk},
		{name: "small, multipart", size: 1000, chunk: chunk},
		{name: "streamed in one request", size: 3 * chunk, chunk: 0},
		{name: "exactly a chunk", size: chunk, chunk: chunk},
		{name: "resumable", size: 3*chunk + 1, chunk: chunk},
		{name: "resumable, whole chunks", size: 3 * chunk, chunk: chunk},
		{name: "multipart, busy", size: 1000, chunk: chunk, meant: isPost, faults: []fault{status(503), status(429), reset}},
		{name: "session opened at the third attempt", size: 2 * chunk, chunk: chunk, meant: isPost, faults: []fault{status(503), reset}},
		{name: "chunks again", size: 4 * chunk, chunk: chunk, meant: isChunk,
			faults: []fault{reset, nil, status(503), reset, status(408), nil, reset}},
		{name: "multipart, dropped", size: 1000, chunk: chunk, meant: isPost, faults: []fault{drop}, fails: true},
		{name: "session dropped", size: 2 * chunk, chunk: chunk, meant: isPost, faults: []fault{drop}, fails: true},
		{name: "chunk dropped", size: 4 * chunk, chunk: chunk, meant: isChunk, faults: []fault{nil, reset, drop}, fails: true},
		{name: "multipart refused", size: 1000, chunk: chunk, meant: isPost, faults: []fault{status(412)}, fails: true},
		{name: "streamed, busy", size: 1000, chunk: 0, meant: isPost, faults: []fault{status(503)}, fails: true},
		{name: "session refused", size: 2 * chunk, chunk: chunk, meant: isPost, faults: []fault{status(403)}, fails: true},
		{name: "chunk refused", size: 4 * chunk, chunk: chunk, meant: isChunk, faults: []fault{nil, nil, status(412)}, fails: true},
	} {
		t.Run(row.name, func(t *testing.T) {
			e := newExit(t)
			s := newServer(t)
			object := s.client(t, e.Registry).Bucket(bucket).Object("dir/object")
			s.spoil(row.meant, row.faults...)
			err := put(t.Context(), object, content(row.size), row.chunk)
			if (err != nil) != row.fails {
				t.Errorf("got %v", err)
			}
			if left := s.left(); left > 0 {
				t.Errorf("%d faults did not happen", left)
			}
			e.want(t, 1, 0)
			if row.fails {
				return
			}
			stored, err := s.fake.GetObject(bucket, "dir/object")
			if err != nil || !bytes.Equal(stored.Content, content(row.size)) {
				t.Errorf("got %d bytes stored, %v, want %d", len(stored.Content), err, row.size)
			}
		})
	}
}

// A program may tell the client to try again after any error.
func TestUploadThatIsTriedAgainAfterAnyError(t *testing.T) {
	e := newExit(t)
	s := newServer(t)
	object := s.client(t, e.Registry).Bucket(bucket).Object("object").Retryer(
		storage.WithErrorFunc(func(err error) bool { return err != nil }))
	s.spoil(isPost, drop, nil, drop, drop, nil, drop)
	if err := put(t.Context(), object, content(3*chunk), chunk); err != nil {
		t.Error(err)
	}
	e.want(t, 1, 0)
}

func TestUploadsThatAreCancelled(t *testing.T) {
	for _, row := range []struct {
		name  string
		size  int
		meant func(*http.Request) bool
	}{
		{"multipart", 1000, isPost},
		{"while the session is opened", 2 * chunk, isPost},
		{"in a chunk", 2 * chunk, isChunk},
	} {
		t.Run(row.name, func(t *testing.T) {
			e := newExit(t)
			s := newServer(t)
			object := s.client(t, e.Registry).Bucket(bucket).Object("object")
			arrived := make(chan struct{})
			s.spoil(row.meant, hang(arrived))
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go func() {
				<-arrived
				cancel()
			}()
			if err := put(ctx, object, content(row.size), chunk); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want %v", err, context.Canceled)
			}
			e.await(t, 1, 0)
		})
	}
}

// A recording that is abandoned between two chunks sends no further request.
func TestUploadThatIsCancelledBetweenTwoChunks(t *testing.T) {
	e := newExit(t)
	s := newServer(t)
	ctx, cancel := context.WithCancel(t.Context())
	w := s.client(t, e.Registry).Bucket(bucket).Object("object").NewWriter(ctx)
	w.ChunkSize = chunk
	sent := make(chan int64, 10)
	w.ProgressFunc = func(n int64) { sent <- n }
	if _, err := w.Write(content(chunk + 1)); err != nil {
		t.Fatal(err)
	}
	<-sent
	e.want(t, 0, 0)
	cancel()
	e.await(t, 1, 0)
	if err := w.Close(); err == nil {
		t.Error("got no error")
	}
	e.want(t, 1, 0)
}

// The client bounds the time of each chunk, and sends it again.
func TestUploadWhoseChunkTakesTooLong(t *testing.T) {
	e := newExit(t)
	s := newServer(t)
	s.spoil(isChunk, nil, hang(make(chan struct{})))
	w := s.client(t, e.Registry).Bucket(bucket).Object("object").NewWriter(t.Context())
	w.ChunkSize, w.ChunkTransferTimeout = chunk, time.Second
	if _, err := w.Write(content(3 * chunk)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if left := s.left(); left > 0 {
		t.Errorf("%d faults did not happen", left)
	}
	e.want(t, 1, 0)
}

func TestWhatIsNoTransfer(t *testing.T) {
	e := newExit(t)
	s := newServer(t, fakestorage.Object{ObjectAttrs: fakestorage.ObjectAttrs{BucketName: bucket, Name: "a"}, Content: content(10)})
	b := s.client(t, e.Registry).Bucket(bucket)
	a := b.Object("a")
	if _, err := a.Attrs(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := a.Update(t.Context(), storage.ObjectAttrsToUpdate{ContentType: "text/plain"}); err != nil {
		t.Error(err)
	}
	if _, err := b.Object("copy").CopierFrom(a).Run(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := b.Object("both").ComposerFrom(a, b.Object("copy")).Run(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := b.Objects(t.Context(), nil).Next(); err != nil {
		t.Error(err)
	}
	if err := a.Delete(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := b.Attrs(t.Context()); err != nil {
		t.Error(err)
	}
	e.want(t, 0, 0)
}
