package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	collectorpb "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// getPath asks the running agent:
//
//	get 200 /readyz '"status":"ok"'
//
// It asks again until status and body are as wanted: states take their time.
// The body is there for stdout.
func getPath(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: get STATUS PATH [PATTERN]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	pattern := regexp.MustCompile("")
	if len(args) > 2 {
		pattern = regexp.MustCompile(args[2])
	}
	var last string
	err = eventually(func() error {
		status, body, err := get("http://" + ts.Getenv("ADDR") + args[1])
		if err == nil && (status != want || !pattern.MatchString(body)) {
			err = fmt.Errorf("GET %s: %d %s", args[1], status, body)
		}
		last = body
		return err
	})
	ts.Check(err)
	_, err = io.WriteString(ts.Stdout(), last)
	ts.Check(err)
}

func get(url string) (status int, body string, err error) {
	response, err := http.Get(url)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, string(text), err
}

// eventually calls f until it returns nil, and returns its last error when that
// takes too long.
func eventually(f func() error) error {
	timeout := time.After(patience)
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		err := f()
		if err == nil {
			return nil
		}
		select {
		case <-again.C:
		case <-timeout:
			return fmt.Errorf("not after %s: %w", patience, err)
		}
	}
}

// collector is an OTLP receiver that keeps what it got as JSON.
type collector struct {
	mu       sync.Mutex
	received []string
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var request collectorpb.ExportMetricsServiceRequest
	if err != nil || r.URL.Path != "/v1/metrics" || proto.Unmarshal(body, &request) != nil {
		http.Error(w, "not an OTLP request", http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.received = append(c.received, protojson.MarshalOptions{}.Format(&request))
	w.Header().Set("Content-Type", "application/x-protobuf")
}

func (c *collector) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.received)
}

// startCollector starts a collector whose URL is COLLECTOR from then on.
func startCollector(ts *testscript.TestScript, neg bool, args []string) {
	c := &collector{}
	server := httptest.NewServer(c)
	ts.Defer(server.Close)
	inScript(ts).collector = c
	ts.Setenv("COLLECTOR", server.URL)
}

// awaitReceived waits until a push, as JSON, matches: received PATTERN.
func awaitReceived(ts *testscript.TestScript, neg bool, args []string) {
	c := inScript(ts).collector
	if c == nil {
		ts.Fatalf("there is no collector: start one first")
	}
	pattern := regexp.MustCompile(args[0])
	ts.Check(eventually(func() error {
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, push := range c.received {
			if pattern.MatchString(push) {
				return nil
			}
		}
		return fmt.Errorf("none of %d pushes matches %q", len(c.received), pattern)
	}))
}

// startPeer starts an HTTP server that answers with the status given, or never
// (hang); its URL is PEER from then on.
func startPeer(ts *testscript.TestScript, neg bool, args []string) {
	ended := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if status, err := strconv.Atoi(args[0]); err == nil {
			w.WriteHeader(status)
			return
		}
		select {
		case <-ended:
		case <-r.Context().Done():
		}
	}))
	ts.Defer(server.Close)
	ts.Defer(func() { close(ended) })
	ts.Setenv("PEER", server.URL)
}
