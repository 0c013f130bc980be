package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "rewrite the expected output in the scripts")

// TestMain makes the test binary be the command telltale where a script calls
// it.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"telltale": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Values[scriptKey{}] = &script{}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status":    runStatus,
			"start":     startDaemon,
			"log":       awaitLog,
			"get":       getPath,
			"signal":    sendSignal,
			"exited":    awaitExit,
			"killed":    awaitDeath,
			"deafen":    closeLog,
			"collector": startCollector,
			"received":  awaitReceived,
			"peer":      startPeer,
		},
	})
}

// script is what one script has started.
type script struct {
	daemon    *daemon
	collector *collector
}

type scriptKey struct{}

func inScript(ts *testscript.TestScript) *script { return ts.Value(scriptKey{}).(*script) }

// runStatus runs a command and checks its exit status:
//
//	status 2 telltale start --foo
//
// What it wrote is there for stdout and stderr. Whoever fails must say so in
// lines that begin with the name of the command.
func runStatus(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status STATUS COMMAND...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	stderr := ts.ReadFile("stderr")
	if got != want {
		ts.Fatalf("exit status %d, want %d; stderr:\n%s", got, want, stderr)
	}
	ts.Check(noStackTrace(stderr))
	if want != 0 && !strings.HasPrefix(lastLine(stderr), "telltale: ") {
		ts.Fatalf("status %d without a reason; stderr:\n%s", got, stderr)
	}
}

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return lines[len(lines)-1]
}

// stackTrace is what crashes show.
var stackTrace = regexp.MustCompile(`goroutine \d+ |panic: |\w\.go:\d+`)

func noStackTrace(s string) error {
	if trace := stackTrace.FindString(s); trace != "" {
		return fmt.Errorf("%q must not appear in:\n%s", trace, s)
	}
	return nil
}

func TestRunReturnsTheStatus(t *testing.T) {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	noEnvironment := func(string) string { return "" }
	for _, row := range []struct {
		name string
		args []string
		want int
	}{
		{"version", []string{"--version"}, exitOK},
		{"help", []string{"start", "--help"}, exitOK},
		{"nothing to do", []string{"start"}, exitUsage},
		{"address that cannot be bound", []string{"start", "--diag-addr", "192.0.2.1:0"}, exitError},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := run(t.Context(), row.args, noEnvironment, null, null); got != row.want {
				t.Errorf("got status %d, want %d", got, row.want)
			}
		})
	}
}
