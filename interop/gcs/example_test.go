package gcs

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"

	"cloud.google.com/go/storage"
	"github.com/fsouza/fake-gcs-server/fakestorage"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"google.golang.org/api/option"

	"github.com/telltale-agent/telltale/instruments"
	"github.com/telltale-agent/telltale/instruments/gcs"
)

// The official client with a measured transport. Against Cloud Storage itself the transport is wrapped by that of
// google.golang.org/api/transport/http, which authenticates; an emulator wants none of that.
func Example() {
	server, err := fakestorage.NewServerWithOptions(fakestorage.Options{Scheme: "http", Host: "127.0.0.1", Writer: io.Discard})
	if err != nil {
		log.Fatal(err)
	}
	defer server.Stop()
	server.CreateBucketWithOpts(fakestorage.CreateBucketOpts{Name: "recordings"})
	registry, err := instruments.New(sdkmetric.NewMeterProvider()) // agent.Instruments()
	if err != nil {
		log.Fatal(err)
	}
	defer registry.Close()

	ctx := context.Background()
	base := &http.Transport{}
	defer base.CloseIdleConnections()
	client, err := storage.NewClient(ctx, storage.WithJSONReads(),
		option.WithEndpoint(server.URL()+"/storage/v1/"), option.WithoutAuthentication(),
		option.WithHTTPClient(&http.Client{Transport: gcs.Transport(registry, base)}))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	object := client.Bucket("recordings").Object("42")
	w := object.NewWriter(ctx)
	fmt.Fprint(w, "who | am i")
	if err := w.Close(); err != nil { // one upload
		log.Fatal(err)
	}
	r, err := object.NewReader(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	content, err := io.ReadAll(r) // one download
	fmt.Println(string(content), err)
	// Output: who | am i <nil>
}
