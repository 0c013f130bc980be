package gcs_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/telltale-agent/telltale/instruments/gcs"
	"github.com/telltale-agent/telltale/instruments/instrumentstest"
)

// The client of Cloud Storage is given the measured client as
// option.WithHTTPClient(client). Here a plain request stands for it.
func ExampleTransport() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "recording of a session")
	}))
	defer server.Close()
	exit := instrumentstest.Open() // a program has an agent: agent.Instruments()
	defer exit.Close()

	client := &http.Client{Transport: gcs.Transport(exit.Registry, server.Client().Transport)}
	resp, err := client.Get(server.URL + "/storage/v1/b/sessions/o/42?alt=media")
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body) // the download is counted here, and timed from Get to here
	fmt.Println(string(content), err)
	fmt.Print(exit.Show("gcs_"))
	// Output:
	// recording of a session <nil>
	// gcs_event_storage_downloads 1
	// gcs_event_storage_downloads_seconds_count 1
}
