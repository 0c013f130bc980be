// The command telltale gives a service diagnostics without changing it: it
// watches components, answers probes, serves metrics and profiles, and pushes
// the metrics to OpenTelemetry collectors.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/telltale-agent/telltale/agent"
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
}

// The exit statuses.
const (
	exitOK    = 0 // stopped by a signal, or the answer was printed
	exitError = 1 // could not start or run
	exitUsage = 2 // wrong usage
)

// run is the whole command: it returns the exit status and touches nothing of
// the process but signals. It ends when ctx does, as if a signal had come.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	cmd := newRoot(getenv)
	cmd.SetArgs(args)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	err := cmd.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	printFaults(stderr, err)
	var usage usageError
	if errors.As(err, &usage) || errors.Is(err, agent.ErrNothingToDo) {
		return exitUsage
	}
	return exitError
}

// printFaults writes one line for each fault in err.
func printFaults(w io.Writer, err error) {
	for line := range strings.Lines(err.Error()) {
		fmt.Fprintf(w, "telltale: %s\n", strings.TrimPrefix(strings.TrimSpace(line), "agent: "))
	}
}
