package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// helpWidth is what a terminal shows at least.
const helpWidth = 80

// flagGroup are the flags that stand under one heading of the help, in order of
// their definition.
type flagGroup struct {
	title string
	flags *pflag.FlagSet
}

func newFlagGroup(title string) flagGroup {
	g := flagGroup{title: title, flags: pflag.NewFlagSet(title, pflag.ContinueOnError)}
	g.flags.SortFlags = false
	return g
}

// describe gives cmd its flags, and the help that shows them. The notes end it.
func describe(cmd *cobra.Command, notes string, groups ...flagGroup) {
	for _, g := range groups {
		cmd.Flags().AddFlagSet(g.flags)
	}
	usage := func(cmd *cobra.Command) error {
		w := cmd.OutOrStdout()
		writeSynopsis(w, cmd)
		writeFlags(w, groups)
		fmt.Fprintf(w, "\n%s\n", notes)
		return nil
	}
	cmd.SetUsageFunc(usage)
	cmd.SetHelpFunc(func(cmd *cobra.Command, _ []string) {
		fmt.Fprintf(cmd.OutOrStdout(), "%s\n\n", cmd.Long)
		_ = usage(cmd)
	})
}

func writeSynopsis(w io.Writer, cmd *cobra.Command) {
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(w, "Usage:\n  %s COMMAND [flags]\n\nCommands:\n", cmd.CommandPath())
		for _, sub := range cmd.Commands() {
			fmt.Fprintf(w, "  %-7s %s\n", sub.Name(), sub.Short)
		}
	} else {
		fmt.Fprintf(w, "Usage:\n  %s [flags]\n", cmd.CommandPath())
	}
	fmt.Fprintf(w, "\nExamples:\n%s\n", cmd.Example)
}

// writeFlags lists the groups, all descriptions in one column.
func writeFlags(w io.Writer, groups []flagGroup) {
	column := 0
	for _, g := range groups {
		g.flags.VisitAll(func(f *pflag.Flag) { column = max(column, len(flagName(f))+2) })
	}
	for _, g := range groups {
		fmt.Fprintf(w, "\n%s:\n", g.title)
		g.flags.VisitAll(func(f *pflag.Flag) {
			_, usage := pflag.UnquoteUsage(f)
			writeIndented(w, flagName(f), usage, column)
		})
	}
}

func flagName(f *pflag.Flag) string {
	name := "      --" + f.Name
	if f.Shorthand != "" {
		name = "  -" + f.Shorthand + ", --" + f.Name
	}
	if placeholder, _ := pflag.UnquoteUsage(f); placeholder != "" {
		name += " " + placeholder
	}
	return name
}

// writeIndented writes a description, wrapped, beside its name.
func writeIndented(w io.Writer, name, description string, column int) {
	line := fmt.Sprintf("%-*s", column-1, name)
	for word := range strings.FieldsSeq(description) {
		if len(line)+1+len(word) > helpWidth {
			fmt.Fprintln(w, line)
			line = strings.Repeat(" ", column-1)
		}
		line += " " + word
	}
	fmt.Fprintln(w, line)
}
