package harness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// requestTimeout bounds one request to the process: far more than an answer takes, far less than a test binary may.
const requestTimeout = 20 * time.Second

// killAfter is how long a process may take to stop before it is killed: several times the contract's five seconds.
const killAfter = 40 * time.Second

// Process is a running telltale command. Its methods are safe for concurrent use.
type Process struct {
	cmd    *exec.Cmd
	output *output
	client *http.Client
	addr   string

	scrapes atomic.Int64  // answers of /metrics with status 200
	exited  chan struct{} // closed once the process is gone and its output complete
}

// Start runs "telltale start --diag-addr 127.0.0.1:0" with the arguments and waits until it serves. The process is
// stopped, and its exit status and output checked, when the test ends at the latest.
func Start(t testing.TB, args ...string) *Process {
	t.Helper()
	return StartWithEnv(t, nil, args...)
}

// StartWithEnv is Start with variables ("NAME=value") added to an environment that has none of the OTEL_* ones.
func StartWithEnv(t testing.TB, env []string, args ...string) *Process {
	t.Helper()
	p := &Process{
		cmd:    exec.Command(binary(t), append([]string{"start", "--diag-addr", "127.0.0.1:0"}, args...)...),
		output: &output{},
		client: &http.Client{Transport: &http.Transport{}, Timeout: requestTimeout},
		exited: make(chan struct{}),
	}
	p.cmd.Env = append(cleanEnv(), env...)
	p.cmd.Dir = t.TempDir()
	p.cmd.Stdout, p.cmd.Stderr = p.output, p.output
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("start telltale: %v", err)
	}
	go func() {
		defer close(p.exited)
		_ = p.cmd.Wait()
	}()
	t.Cleanup(func() { p.finish(t) })
	Await(t, "the address in the log of telltale", p.findAddr)
	return p
}

// cleanEnv is this process's environment without what would configure the command.
func cleanEnv() []string {
	var env []string
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, "OTEL_") {
			env = append(env, entry)
		}
	}
	return env
}

// findAddr looks for the log line that says where the endpoints are served.
func (p *Process) findAddr() error {
	for _, line := range p.output.lines() {
		if _, port, err := net.SplitHostPort(line.Attrs["addr"]); err == nil && port != "0" {
			p.addr = line.Attrs["addr"]
			return nil
		}
	}
	select {
	case <-p.exited:
		return fmt.Errorf("it ended: %v", p.cmd.ProcessState)
	default:
		return errors.New("no line with addr=HOST:PORT yet")
	}
}

// Addr is the host and port of the diagnostics listener.
func (p *Process) Addr() string { return p.addr }

// Log is the log so far, the lines that are no log lines included.
func (p *Process) Log() []Line { return p.output.lines() }

// LogWith is the part of the log whose attribute key has the value.
func (p *Process) LogWith(key, value string) []Line {
	var lines []Line
	for _, line := range p.Log() {
		if line.Attrs[key] == value {
			lines = append(lines, line)
		}
	}
	return lines
}

// Get requests a path and returns status, headers and body. Further arguments are pairs of header names and values.
func (p *Process) Get(path string, header ...string) (int, http.Header, []byte, error) {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://"+p.addr+path, nil)
	if err != nil {
		return 0, nil, nil, err
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return 0, nil, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if path == metricsPath && resp.StatusCode == http.StatusOK {
		p.scrapes.Add(1)
	}
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, resp.Header, body, err
}

// Scrapes is how many requests of /metrics were answered with status 200.
func (p *Process) Scrapes() float64 { return float64(p.scrapes.Load()) }

// Stop sends SIGTERM, waits for the end, and returns how long that took. It fails the test if the process had ended
// by itself.
func (p *Process) Stop(t testing.TB) time.Duration {
	t.Helper()
	select {
	case <-p.exited:
		t.Errorf("telltale ended before it was told to: %v", p.cmd.ProcessState)
		return 0
	default:
	}
	began := time.Now()
	p.signal(t, syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(killAfter):
		t.Errorf("telltale still runs %v after SIGTERM; its goroutines are in the output below", killAfter)
		p.signal(t, syscall.SIGQUIT)
		<-p.exited
	}
	return time.Since(began)
}

func (p *Process) signal(t testing.TB, sig os.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("signal telltale: %v", err)
	}
}

// finish stops the process if the test did not, and judges how it went.
func (p *Process) finish(t testing.TB) {
	t.Helper()
	select {
	case <-p.exited:
	default:
		p.Stop(t)
	}
	p.client.CloseIdleConnections()
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("telltale ended with %v, want status 0", p.cmd.ProcessState)
	}
	text := p.output.String()
	for _, bad := range []string{"DATA RACE", "panic:", "fatal error:"} {
		if strings.Contains(text, bad) {
			t.Errorf("the output of telltale contains %q", bad)
		}
	}
	if t.Failed() {
		t.Logf("output of %v:\n%s", p.cmd.Args[1:], text)
	}
}
