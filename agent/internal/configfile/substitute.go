package configfile

import (
	"fmt"
	"regexp"
	"strings"
)

var reference = regexp.MustCompile(`^(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(?::-([^\n]*))?$`)

// substitute replaces ${VAR}, ${env:VAR} and ${VAR:-default} in a scalar by the
// value of the variable, or by the default if it is empty or not set, and $$ by
// a dollar sign. Values are not looked into again. changed tells whether a
// variable was referred to at all.
func substitute(s string, getenv func(string) string) (out string, changed bool, err error) {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, "$")
		b.WriteString(before)
		if !found {
			return b.String(), changed, nil
		}
		switch {
		case strings.HasPrefix(after, "$"):
			b.WriteByte('$')
			s = after[1:]
		case strings.HasPrefix(after, "{"):
			inner, rest, closed := strings.Cut(after[1:], "}")
			m := reference.FindStringSubmatch(inner)
			if !closed || m == nil {
				return "", true, fmt.Errorf("must refer to a variable as ${NAME} or ${NAME:-default}; a dollar sign that is meant is written $$")
			}
			value := getenv(m[1])
			if value == "" {
				value = m[2]
			}
			b.WriteString(value)
			s, changed = rest, true
		default:
			b.WriteByte('$')
			s = after
		}
	}
}
