package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// inREADME is how the README starts this program.
const inREADME = `cd examples/accessplane && go run . -drive`

// The command of the README serves what it prints, drives traffic, and ends when
// it is told to.
func TestRun(t *testing.T) {
	_, arguments, _ := strings.Cut(inREADME, "go run . ")
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	var stdout output
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, append(strings.Fields(arguments), "-diag-addr", "127.0.0.1:0"), &stdout, t.Output())
	}()
	stdout.await(t, "traffic ")
	url := regexp.MustCompile(`http://\S+/metrics`).FindString(stdout.String())
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"user_login_total 2\n",
		"gcs_event_storage_uploads 1\n",
		"firestore_events_backend_batch_write_requests 1\n",
		"teleport_reverse_tunnels_connected{type=\"node\"} 1\n",
	} {
		if !strings.Contains(string(body), "\n"+line) {
			t.Errorf("/metrics does not say %q", line)
		}
	}
	interrupt()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("run: %v", err)
		}
	case <-time.After(patience):
		t.Fatal("it does not end")
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestRunRefusesWrongFlags(t *testing.T) {
	for _, args := range [][]string{{"-no-such-flag"}, {"-diag-addr", "nowhere"}, {"-otlp", "ftp://collector"}} {
		if err := run(t.Context(), args, io.Discard, io.Discard); err == nil {
			t.Errorf("%q: no error", args)
		}
	}
}

// output is what a program has written so far.
type output struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

func (o *output) await(t *testing.T, text string) {
	t.Helper()
	for deadline := time.Now().Add(patience); !strings.Contains(o.String(), text); <-time.After(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no %q in the output:\n%s", text, o)
		}
	}
}
