package main

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"cloud.google.com/go/storage"
	"github.com/fsouza/fake-gcs-server/fakestorage"
	"google.golang.org/api/option"

	"github.com/telltale-agent/telltale/instruments"
	"github.com/telltale-agent/telltale/instruments/gcs"
)

// bucketName is where the recordings of sessions go.
const bucketName = "recordings"

// startCloudStorage runs the emulator of what is Google's elsewhere.
func startCloudStorage() (*fakestorage.Server, error) {
	server, err := fakestorage.NewServerWithOptions(fakestorage.Options{Scheme: "http", Host: "127.0.0.1"})
	if err != nil {
		return nil, fmt.Errorf("start Cloud Storage: %w", err)
	}
	server.CreateBucketWithOpts(fakestorage.CreateBucketOpts{Name: bucketName})
	return server, nil
}

// recordings are the recorded sessions in Cloud Storage.
type recordings struct {
	client *storage.Client
	bucket *storage.BucketHandle
}

// newRecordings makes a client of Cloud Storage whose transport is measured;
// outside of an emulator, what authenticates goes around that transport.
func newRecordings(ctx context.Context, reg *instruments.Registry, url string) (*recordings, error) {
	measured := &http.Client{Transport: gcs.Transport(reg, http.DefaultTransport.(*http.Transport).Clone())}
	client, err := storage.NewClient(ctx, option.WithHTTPClient(measured), option.WithEndpoint(url+"/storage/v1/"), storage.WithJSONReads())
	if err != nil {
		return nil, fmt.Errorf("make a client of Cloud Storage: %w", err)
	}
	return &recordings{client: client, bucket: client.Bucket(bucketName)}, nil
}

// Upload stores what it reads under the name of a session.
func (r *recordings) Upload(ctx context.Context, session string, from io.Reader) error {
	to := r.bucket.Object(session).NewWriter(ctx)
	if _, err := io.Copy(to, from); err != nil {
		_ = to.Close()
		return fmt.Errorf("upload recording %s: %w", session, err)
	}
	if err := to.Close(); err != nil {
		return fmt.Errorf("upload recording %s: %w", session, err)
	}
	return nil
}

// Download writes the recording of a session to w.
func (r *recordings) Download(ctx context.Context, session string, w io.Writer) error {
	from, err := r.bucket.Object(session).NewReader(ctx)
	if err != nil {
		return fmt.Errorf("download recording %s: %w", session, err)
	}
	defer from.Close()
	if _, err := io.Copy(w, from); err != nil {
		return fmt.Errorf("download recording %s: %w", session, err)
	}
	return nil
}

func (r *recordings) Close() error { return r.client.Close() }
