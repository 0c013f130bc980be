// The command generate writes docs/metrics.md from the declarations of package
// instruments, so that the page lists what the program declares and nothing
// else. A test fails when the page and the declarations differ.
package main

import (
	"fmt"
	"os"
	"slices"

	"github.com/telltale-agent/telltale/instruments"
)

//go:generate go run . ../metrics.md

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("%d arguments: give the file to write", len(args))
	}
	return os.WriteFile(args[0], metricsPage(slices.Collect(instruments.All())), 0o644)
}
