package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// What a command may take, and how long one may take to serve at all.
const (
	maxStart    = 50 * time.Millisecond
	maxResident = 20e6
	maxBinary   = 16e6
	patience    = 20 * time.Second
)

// buildTags are those of make build.
const buildTags = "grpcnotrace,nethttpomithttp2"

// command is a built program that serves HTTP at an address it is told.
type command struct {
	name   string
	path   string // in the file system
	args   func(addr string) []string
	served string // path of a URL that answers once the program serves
}

// footprint is what was measured of a command.
type footprint struct {
	starts   []float64 // nanoseconds from the start to the first answer
	resident float64   // bytes, at rest
	binary   float64   // bytes, stripped
}

func commandRows(e effort) ([]row, error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	ours, err := build(telltale(), "..", "./cmd/telltale", dir)
	if err != nil {
		return nil, err
	}
	peer, err := build(collector(), "collector", ".", dir)
	if err != nil { // some need modules that are not at hand everywhere
		fmt.Fprintln(os.Stderr, "bench: without the Collector:", err)
		found, err := measureInTurn(e, ours)
		if err != nil {
			return nil, err
		}
		return footprintRows(found[0], nil), nil
	}
	found, err := measureInTurn(e, ours, peer)
	if err != nil {
		return nil, err
	}
	return footprintRows(found[0], &found[1]), nil
}

func telltale() command {
	return command{
		name:   "telltale",
		args:   func(addr string) []string { return []string{"start", "--diag-addr", addr} },
		served: "/readyz",
	}
}

func collector() command {
	return command{
		name: "minimal Collector",
		args: func(addr string) []string {
			return []string{"--config", "yaml:" + fmt.Sprintf(`{
				receivers: {otlp: {protocols: {http: {endpoint: %q}}}},
				exporters: {otlp: {endpoint: "127.0.0.1:1", tls: {insecure: true}}, otlphttp: {endpoint: "http://127.0.0.1:1"}},
				service: {
					telemetry: {metrics: {level: none}, logs: {level: error}},
					pipelines: {metrics: {receivers: [otlp], exporters: [otlp, otlphttp]}}}}`, addr)}
		},
		served: "/v1/metrics",
	}
}

func build(c command, module, pkg, dir string) (command, error) {
	c.path = filepath.Join(dir, strings.ReplaceAll(c.name, " ", "-"))
	cmd := exec.Command("go", "build", "-tags="+buildTags, "-trimpath", "-ldflags=-s -w", "-o", c.path, pkg)
	cmd.Dir = module
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return c, fmt.Errorf("build %s: %w: %s", c.name, err, lastLine(out))
	}
	return c, nil
}

func lastLine(out []byte) string {
	text := strings.TrimSpace(string(out))
	return text[strings.LastIndexByte(text, '\n')+1:]
}

// measureInTurn starts the commands by turns.
func measureInTurn(e effort, commands ...command) ([]footprint, error) {
	found := make([]footprint, len(commands))
	for round := range e.starts {
		for i, c := range commands {
			rest := time.Duration(0)
			if round == 0 { // also brings the file into the page cache: not counted
				rest = e.rest
			}
			took, resident, err := c.runOnce(rest)
			if err != nil {
				return nil, fmt.Errorf("run %s: %w", c.name, err)
			}
			if round == 0 {
				found[i].resident = resident
				continue
			}
			found[i].starts = append(found[i].starts, float64(took))
		}
	}
	for i, c := range commands {
		info, err := os.Stat(c.path)
		if err != nil {
			return nil, err
		}
		found[i].binary = float64(info.Size())
	}
	return found, nil
}

// runOnce gives the time to the first answer, and the memory after that rest.
func (c command) runOnce(rest time.Duration) (took time.Duration, resident float64, err error) {
	addr, err := freeAddr()
	if err != nil {
		return 0, 0, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience+rest)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.path, c.args(addr)...)
	output := &strings.Builder{}
	cmd.Stderr = output
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, 0, err
	}
	ended := make(chan error, 1)
	go func() {
		ended <- cmd.Wait()
		cancel() // nobody needs to wait for an answer any longer
	}()
	defer func() {
		cmd.Process.Signal(syscall.SIGTERM)
		if status := <-ended; status != nil && !killed(status) {
			err = fmt.Errorf("%w: %s", status, lastLine([]byte(output.String())))
		}
	}()
	if err := awaitAnswer(ctx, "http://"+addr+c.served); err != nil {
		return 0, 0, err
	}
	took = time.Since(began)
	time.Sleep(rest)
	resident, err = residentBytes(cmd.Process.Pid)
	return took, resident, err
}

// killed tells whether the signal ended a program that was not ready for it yet.
func killed(err error) bool {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGTERM
}

func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// awaitAnswer returns when the URL answers, with whatever status.
func awaitAnswer(ctx context.Context, url string) error {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		answer, err := client.Do(r)
		if err == nil {
			io.Copy(io.Discard, answer.Body)
			return answer.Body.Close()
		}
		if !errors.Is(err, syscall.ECONNREFUSED) {
			return err
		}
		time.Sleep(500 * time.Microsecond)
	}
}

func residentBytes(pid int) (float64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 64)
			return kib * 1024, err
		}
	}
	return 0, fmt.Errorf("no VmRSS in the status of process %d", pid)
}

func footprintRows(ours footprint, peer *footprint) []row {
	start := row{
		what: "start to a served /readyz", ours: duration(median(ours.starts)),
		bound: "≤ " + maxStart.String(), verdict: judge(median(ours.starts) <= float64(maxStart)),
	}
	memory := row{
		what: "resident memory at rest", ours: megabytes(ours.resident),
		bound: "≤ " + megabytes(maxResident), verdict: judge(ours.resident <= maxResident),
	}
	binary := row{
		what: "binary, stripped", ours: megabytes(ours.binary),
		bound: "≤ " + megabytes(maxBinary), verdict: judge(ours.binary <= maxBinary),
	}
	if peer == nil {
		return []row{start, memory, binary}
	}
	for i := range ours.starts {
		start.ratios = append(start.ratios, ours.starts[i]/peer.starts[i])
	}
	start.peer, memory.peer, binary.peer = duration(median(peer.starts)), megabytes(peer.resident), megabytes(peer.binary)
	memory.ratios, binary.ratios = []float64{ours.resident / peer.resident}, []float64{ours.binary / peer.binary}
	for _, r := range []*row{&start, &memory, &binary} {
		r.peerName = "minimal Collector"
	}
	return []row{start, memory, binary}
}

func megabytes(bytes float64) string { return fmt.Sprintf("%.1f MB", bytes/1e6) }
