package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// started is the log line that says that the agent runs.
var started = regexp.MustCompile(`telltale started"?(?:.* addr=(\S+))?`)

// daemon is a running telltale whose log is read as it is written.
type daemon struct {
	cmd    *exec.Cmd
	stderr io.Closer     // of its log
	exited chan struct{} // closed when the process is gone
	err    error         // of Wait, to be read after exited

	mu      sync.Mutex
	log     bytes.Buffer
	written chan struct{} // closed at the next write to log
}

// newDaemon starts program with args; environ is added to the environment, from
// which the OTEL_ variables of the machine are taken out.
func newDaemon(dir, program string, args, environ []string) (*daemon, error) {
	d := &daemon{exited: make(chan struct{}), written: make(chan struct{})}
	d.cmd = exec.Command(program, args...)
	d.cmd.Dir = dir
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "OTEL_") {
			d.cmd.Env = append(d.cmd.Env, v)
		}
	}
	// The race detector would let every process linger for a second at its end.
	d.cmd.Env = append(append(d.cmd.Env, "GORACE=atexit_sleep_ms=1"), environ...)
	stderr, err := d.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	d.stderr = stderr
	if err := d.cmd.Start(); err != nil {
		return nil, err
	}
	go d.follow(stderr)
	return d, nil
}

func (d *daemon) follow(stderr io.Reader) {
	for lines := bufio.NewReader(stderr); ; {
		line, err := lines.ReadString('\n')
		d.mu.Lock()
		d.log.WriteString(line)
		close(d.written)
		d.written = make(chan struct{})
		d.mu.Unlock()
		if err != nil {
			break
		}
	}
	d.err = d.cmd.Wait()
	close(d.exited)
}

func (d *daemon) logged() (text string, more <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.log.String(), d.written
}

// await returns the match of pattern in the log, with its groups.
func (d *daemon) await(pattern *regexp.Regexp) ([]string, error) {
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for {
		text, more := d.logged()
		for line := range strings.Lines(text) {
			if match := pattern.FindStringSubmatch(strings.TrimSpace(line)); match != nil {
				return match, nil
			}
		}
		select {
		case <-more:
		case <-d.exited:
			if text, _ := d.logged(); !pattern.MatchString(text) {
				return nil, fmt.Errorf("telltale ended (%v) without %q in its log:\n%s", d.err, pattern, text)
			}
		case <-timeout.C:
			return nil, fmt.Errorf("no %q in the log after %s:\n%s", pattern, patience, text)
		}
	}
}

// address waits for the start and returns the address that is served.
func (d *daemon) address() (string, error) {
	match, err := d.await(started)
	if err != nil {
		return "", err
	}
	return match[1], nil
}

// wait returns the error of the process, nil for status 0.
func (d *daemon) wait() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	select {
	case <-d.exited:
		return d.err
	case <-ctx.Done():
		return errors.New("telltale does not end")
	}
}

func (d *daemon) kill() {
	_ = d.cmd.Process.Kill()
	<-d.exited
}

func theDaemon(ts *testscript.TestScript) *daemon {
	d := inScript(ts).daemon
	if d == nil {
		ts.Fatalf("there is no running telltale: start one first")
	}
	return d
}

// startDaemon runs telltale start in the background and waits until it runs:
//
//	start OTEL_SERVICE_NAME=db --diag-addr 127.0.0.1:0
//
// ADDR is the address that it serves then.
func startDaemon(ts *testscript.TestScript, neg bool, args []string) {
	var environ []string
	for len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		environ, args = append(environ, args[0]), args[1:]
	}
	d, err := newDaemon(ts.MkAbs("."), "telltale", append([]string{"start"}, args...), environ)
	ts.Check(err)
	ts.Defer(d.kill)
	inScript(ts).daemon = d
	addr, err := d.address()
	ts.Check(err)
	ts.Setenv("ADDR", addr)
}

// awaitLog waits for a line of the log: log PATTERN. With ! the log so far must
// have none.
func awaitLog(ts *testscript.TestScript, neg bool, args []string) {
	pattern := regexp.MustCompile(args[0])
	if neg {
		if text, _ := theDaemon(ts).logged(); pattern.MatchString(text) {
			ts.Fatalf("unexpected %q in the log:\n%s", pattern, text)
		}
		return
	}
	_, err := theDaemon(ts).await(pattern)
	ts.Check(err)
}

var signals = map[string]syscall.Signal{"INT": syscall.SIGINT, "TERM": syscall.SIGTERM}

// sendSignal sends INT or TERM, or several of them, a moment apart. Who is gone
// already needs no more of them.
func sendSignal(ts *testscript.TestScript, neg bool, args []string) {
	moments := time.NewTicker(10 * time.Millisecond)
	defer moments.Stop()
	for i, name := range args {
		if i > 0 {
			<-moments.C
		}
		if err := theDaemon(ts).cmd.Process.Signal(signals[name]); !errors.Is(err, os.ErrProcessDone) {
			ts.Check(err)
		}
	}
}

// closeLog stops reading the log, so that the process cannot write it any more.
func closeLog(ts *testscript.TestScript, neg bool, args []string) {
	ts.Check(theDaemon(ts).stderr.Close())
}

// awaitExit waits for the end: exited STATUS.
func awaitExit(ts *testscript.TestScript, neg bool, args []string) {
	d := theDaemon(ts)
	_ = d.wait()
	text, _ := d.logged()
	if got := fmt.Sprint(d.cmd.ProcessState.ExitCode()); got != args[0] {
		ts.Fatalf("exit status %s, want %s; log:\n%s", got, args[0], text)
	}
	ts.Check(noStackTrace(text))
}

// awaitDeath sends the signal of that name until it kills the process.
func awaitDeath(ts *testscript.TestScript, neg bool, args []string) {
	d := theDaemon(ts)
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for alive := true; alive; {
		select {
		case <-again.C:
			sendSignal(ts, false, args)
		case <-d.exited:
			alive = false
		}
	}
	status, _ := d.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if !status.Signaled() || status.Signal() != signals[args[0]] {
		ts.Fatalf("ended with %v, want death by SIG%s", d.cmd.ProcessState, args[0])
	}
}
