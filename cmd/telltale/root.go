package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

const rootLong = `Telltale gives a long-running service its diagnostics: health, readiness,
metrics, profiles, and pushes to OpenTelemetry collectors. This command runs
beside the service; a Go program can have the same inside with package agent.`

const rootNotes = "See 'telltale COMMAND --help' for the flags of a command."

func newRoot(getenv func(string) string) *cobra.Command {
	var showVersion bool
	cmd := &cobra.Command{
		Use:     "telltale",
		Long:    rootLong,
		Example: "  telltale start --diag-addr=127.0.0.1:3000",
		Args:    cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if showVersion {
				return printVersion(cmd.OutOrStdout())
			}
			return withoutCommand(cmd, args)
		},
		SilenceErrors: true,
		SilenceUsage:  true,

		// In letters to add, drop or replace. Cobra's own default of 2 holds
		// only where Cobra itself words the error.
		SuggestionsMinimumDistance: 2,
	}
	cmd.SetFlagErrorFunc(flagError)
	cmd.CompletionOptions.DisableDefaultCmd = true
	cmd.AddCommand(newStart(getenv))
	cmd.SetHelpCommand(newHelp(cmd))

	flags := newFlagGroup("Flags")
	// Cobra's own version flag goes through text/template, which keeps the
	// linker from leaving out methods that nobody calls: megabytes.
	flags.flags.BoolVar(&showVersion, "version", false, "show the version")
	flags.flags.BoolP("help", "h", false, "show this help")
	describe(cmd, rootNotes, flags)
	return cmd
}

// withoutCommand is reached when no known command was named: that is a mistake
// in a script, and somebody in a terminal who wants the help.
func withoutCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		cmd.SetOut(cmd.ErrOrStderr())
		_ = cmd.Help()
		cmd.PrintErrln()
		return misuse(cmd, "no command given")
	}
	return unknownCommand(cmd, args[0])
}

func unknownCommand(root *cobra.Command, name string) error {
	// Nothing at all is the beginning of every command.
	if similar := root.SuggestionsFor(name); name != "" && len(similar) > 0 {
		return usageError{fmt.Errorf("unknown command %q: did you mean %q?", name, similar[0])}
	}
	return misuse(root, "unknown command %q", name)
}

func newHelp(root *cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "help",
		Short: "show the help of a command",
		RunE: func(_ *cobra.Command, args []string) error {
			about, rest, err := root.Find(args)
			if err != nil || about == root && len(rest) > 0 {
				return unknownCommand(root, args[0])
			}
			if err := noArguments(about, rest); err != nil {
				return err
			}
			return about.Help()
		},
	}
	cmd.SetHelpFunc(func(*cobra.Command, []string) { _ = root.Help() })
	return cmd
}
