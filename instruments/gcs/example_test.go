package gcs_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"

	"github.com/telltale-agent/telltale/instruments"
	"github.com/telltale-agent/telltale/instruments/gcs"
)

// The client of Cloud Storage is given the measured client as
// option.WithHTTPClient(client). Here a plain request stands for it.
func ExampleTransport() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "recording of a session")
	}))
	defer server.Close()
	registry, err := instruments.New(sdkmetric.NewMeterProvider()) // agent.Instruments()
	if err != nil {
		log.Fatal(err)
	}
	defer registry.Close()

	client := &http.Client{Transport: gcs.Transport(registry, server.Client().Transport)}
	resp, err := client.Get(server.URL + "/storage/v1/b/sessions/o/42?alt=media")
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body) // the download is counted here, and timed from Get to here
	fmt.Println(string(content), err)
	// Output: recording of a session <nil>
}
