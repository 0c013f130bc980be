package main

import (
	"bytes"
	"strings"
	"testing"
)

// A fault is one line, whatever was written: a line break or a terminal's
// control sequence in an argument is shown, not sent.
func TestFaultsAreOneLine(t *testing.T) {
	for _, row := range []struct {
		name string
		args []string
		want string
	}{
		{"flag", []string{"start", "--a\nb"}, `telltale: unknown flag --a\nb: see 'telltale start --help'`},
		{"short flag", []string{"start", "-\x1b[31m"}, `telltale: unknown flag -\x1b: see 'telltale start --help'`},
		{"syntax", []string{"start", "--=a\nb"}, `telltale: bad flag syntax: --=a\nb: see 'telltale start --help'`},
		{"switch", []string{"start", "--debug=a\nb"}, `telltale: --debug=a\nb: leave the value out, or use true or false: see 'telltale start --help'`},
		{"command", []string{"a\nb"}, `telltale: unknown command "a\nb": see 'telltale --help'`},
		{"letters of others", []string{"start", "--größe"}, `telltale: unknown flag --größe: see 'telltale start --help'`},
		{"bytes that are no text", []string{"start", "--a\xff"}, "telltale: unknown flag --a\ufffd: see 'telltale start --help'"},
		{"configuration file", []string{"start", "--config", "no/such\nfile"}, `telltale: read configuration file "no/such\nfile": no such file or directory; give the path of a file that can be read`},
	} {
		t.Run(row.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			if status := run(t.Context(), row.args, func(string) string { return "" }, &stdout, &stderr); status == exitOK {
				t.Error("got status 0")
			}
			if got := strings.TrimSuffix(stderr.String(), "\n"); got != row.want {
				t.Errorf("got\n%s\nwant\n%s", got, row.want)
			}
		})
	}
}
