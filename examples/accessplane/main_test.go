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

// What is wrong is said once, and what was not understood is not left out: the
// README's command without its dash would drive nothing.
func TestRunRefusesWrongUsage(t *testing.T) {
	for _, row := range []struct {
		name    string
		args    []string
		message string // part of it
	}{
		{"unknown flag", []string{"-no-such-flag"}, "-no-such-flag"},
		{"flag without its dash", []string{"drive"}, `"drive"`},
		{"argument after a flag", []string{"-drive", "now"}, `"now"`},
		{"address without a port", []string{"-diag-addr", "nowhere"}, "nowhere"},
		{"collector of another kind", []string{"-otlp", "ftp://collector"}, "ftp://collector"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var stdout, stderr output
			err := run(t.Context(), row.args, &stdout, &stderr)
			if err == nil || !strings.Contains(err.Error(), row.message) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got error %v, want one line with %s", err, row.message)
			}
			if stdout.String()+stderr.String() != "" {
				t.Errorf("written as well:\n%s%s", &stdout, &stderr)
			}
		})
	}
}

func TestHelp(t *testing.T) {
	var stdout, stderr output
	if err := run(t.Context(), []string{"-h"}, &stdout, &stderr); err != nil || stderr.String() != "" {
		t.Errorf("got error %v and\n%s", err, &stderr)
	}
	if text := stdout.String(); !strings.Contains(text, "-drive") || !strings.Contains(text, "-otlp") {
		t.Errorf("the help does not tell the flags:\n%s", text)
	}
}

// Who presses Ctrl-C before everything has started wants no error for it.
func TestRunIsToldToStopAtOnce(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	var stdout output
	if err := run(ctx, []string{"-drive", "-diag-addr", "127.0.0.1:0"}, &stdout, t.Output()); err != nil {
		t.Errorf("run: %v", err)
	}
	if stdout.String() != "" {
		t.Errorf("it says that it runs:\n%s", &stdout)
	}
}

// A collector that is away does not make a stop a failure; it is told to the log.
func TestRunStopsWithoutItsCollector(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	var stdout, stderr output
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{"-diag-addr", "127.0.0.1:0", "-otlp", "http://" + freeAddress(t)}, &stdout, &stderr)
	}()
	stdout.await(t, "Ctrl-C ends")
	interrupt()
	if err := <-ended; err != nil {
		t.Errorf("run: %v", err)
	}
	if !strings.Contains(stderr.String(), "did not stop cleanly") {
		t.Errorf("the log does not tell that the last push failed:\n%s", &stderr)
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
