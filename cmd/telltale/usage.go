package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// usageError is a mistake in how the command was called.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// misuse makes a usageError that says where to read more.
func misuse(cmd *cobra.Command, format string, args ...any) error {
	return usageError{fmt.Errorf("%s: see '%s --help'", printable(fmt.Sprintf(format, args...)), cmd.CommandPath())}
}

// printable shows line breaks and the control sequences of terminals, which
// could make two lines of one or hide it, as they would be written in Go.
func printable(s string) string {
	var b strings.Builder
	for _, r := range s {
		if strconv.IsPrint(r) {
			b.WriteRune(r)
		} else {
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
	}
	return b.String()
}

// flagError words what the flag parser found in the way of the other messages.
func flagError(cmd *cobra.Command, err error) error {
	var (
		unknown *pflag.NotExistError
		missing *pflag.ValueRequiredError
		invalid *pflag.InvalidValueError
	)
	switch {
	case errors.As(err, &unknown):
		name := "--" + unknown.GetSpecifiedName()
		if unknown.GetSpecifiedShortnames() != "" {
			name = "-" + unknown.GetSpecifiedName()
		}
		return misuse(cmd, "unknown flag %s", name)
	case errors.As(err, &missing):
		flag := missing.GetFlag()
		placeholder, _ := pflag.UnquoteUsage(flag)
		return misuse(cmd, "--%s needs a value: --%s %s", flag.Name, flag.Name, placeholder)
	case errors.As(err, &invalid):
		// The flags with values of their own kind are read later; this is a
		// switch that was given something else than true or false.
		return misuse(cmd, "--%s=%s: leave the value out, or use true or false", invalid.GetFlag().Name, invalid.GetValue())
	}
	return misuse(cmd, "%s", err)
}

// noArguments refuses what is neither a flag nor belongs to one.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return misuse(cmd, "unexpected argument %q", args[0])
	}
	return nil
}
