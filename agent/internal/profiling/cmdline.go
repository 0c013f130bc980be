package profiling

import (
	"net/http"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// masked stands for a value that could be a secret.
const masked = "***"

// serveCmdline shows the command line, with NUL between the arguments.
//
// What the program was called and which flags it was given is shown. Values are masked
// unless their form rules a secret out: truth values, small numbers, durations and
// addresses. Guessing secrets from the names of flags instead would show those that
// nobody thought of.
func (h *Handler) serveCmdline(w http.ResponseWriter, r *http.Request) error {
	plainText(w)
	if r.Method == http.MethodHead {
		return nil
	}
	return sendAll(w, []byte(strings.Join(maskArgs(h.args), "\x00")))
}

// longFlag has to be anchored, as a name may be followed by anything.
var longFlag = regexp.MustCompile(`^--[A-Za-z][A-Za-z0-9._-]{0,39}$`)

func maskArgs(args []string) []string {
	shown := make([]string, len(args))
	for i, arg := range args {
		if i == 0 {
			shown[i] = arg
			continue
		}
		shown[i] = maskArg(arg)
	}
	return shown
}

func maskArg(arg string) string {
	name, value, hasValue := strings.Cut(arg, "=")
	switch {
	case !strings.HasPrefix(arg, "-") || arg == "-" || arg == "--":
		return maskValue(arg)
	case !strings.HasPrefix(name, "--") && len(name) > 2:
		// One dash and several letters: a long flag in Go's style, or a short one
		// with its value right behind it.
		name, value, hasValue = name[:2]+masked, masked, false
	case len(name) > 2 && !longFlag.MatchString(name):
		return masked
	}
	if hasValue {
		return name + "=" + maskValue(value)
	}
	return name
}

func maskValue(value string) string {
	if harmless(value) {
		return value
	}
	return masked
}

func harmless(value string) bool {
	switch value {
	case "", "-", "--", "true", "false":
		return true
	}
	const digits = 5 // more could be a code
	if _, err := strconv.ParseUint(strings.TrimPrefix(value, ":"), 10, 16); err == nil && len(value) <= digits+1 {
		return true
	}
	if _, err := time.ParseDuration(value); err == nil && len(value) <= 2*digits {
		return true
	}
	_, err := netip.ParseAddrPort(value)
	return err == nil
}
