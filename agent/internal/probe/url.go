package probe

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// mask stands where a secret was.
const mask = "xxxxx"

// understand parses and checks a probe URL. A fault is the part of the error message
// after the URL; it never repeats text of the URL that could be a secret, so the
// messages of net/url, which quote the pieces they stumble over, are not used.
func understand(rawURL string) (u *url.URL, fault string) {
	if rawURL == "" {
		return nil, "is empty; write " + allowed
	}
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, parseFault(rawURL, err)
	}
	for _, check := range []func(*url.URL) string{schemeFault, hostFault, portFault, partsFault} {
		if fault := check(u); fault != "" {
			return nil, fault
		}
	}
	return u, ""
}

func parseFault(rawURL string, err error) string {
	var escape url.EscapeError
	switch {
	case strings.ContainsFunc(rawURL, unprintable) || strings.Contains(rawURL, " "):
		return "has a space or a control character in it; percent-encode or remove it"
	case errors.As(err, &escape):
		return "has a percent sign that starts no percent-encoding; write %25 for a percent sign"
	case !strings.Contains(rawURL, "://"):
		return "has no scheme; write " + allowed
	default:
		return "cannot be understood at the host or port; write " + allowed + ", and percent-encode special characters in a password"
	}
}

func schemeFault(u *url.URL) string {
	switch u.Scheme {
	case "tcp", "http", "https", "grpc", "grpcs":
	case "":
		return "has no scheme; write " + allowed
	default:
		// Something like host:2379 parses as a scheme with an opaque rest.
		return "has an unknown scheme; write " + allowed
	}
	if u.Opaque != "" {
		return fmt.Sprintf("lacks the two slashes after %s:; write %s", u.Scheme, allowed)
	}
	return ""
}

func hostFault(u *url.URL) string {
	host := u.Hostname()
	switch {
	case host == "":
		return "has no host; write " + allowed
	case strings.ContainsFunc(host, func(r rune) bool { return unprintable(r) || strings.ContainsRune(" \"<>\\^`{|}/@?#", r) }):
		return "has a host that is neither a name nor an address; write " + allowed
	case strings.Contains(host, ":") && !strings.HasPrefix(u.Host, "["):
		return "has an IPv6 address without brackets; write it as [::1]"
	}
	return ""
}

func portFault(u *url.URL) string {
	port := u.Port()
	if port == "" {
		switch {
		case strings.HasSuffix(u.Host, ":"):
			return "has a colon but no port; write " + allowed
		case u.Scheme == "http" || u.Scheme == "https":
			return ""
		}
		return fmt.Sprintf("has no port; write %s://host:port", u.Scheme)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "has a port out of range; use 1 to 65535"
	}
	return ""
}

// partsFault refuses what the scheme has no use for: ignoring it would let the user
// believe that it is heeded.
func partsFault(u *url.URL) string {
	plain := u.Scheme == "http" || u.Scheme == "https"
	switch {
	case u.Fragment != "":
		return "has a fragment (#...), which is never sent; remove it, or write %23 for a number sign"
	case plain:
		return ""
	case u.User != nil:
		return fmt.Sprintf("has user information, which only http and https can send; write %s://host:port", u.Scheme)
	case u.RawQuery != "" || u.ForceQuery:
		return fmt.Sprintf("has a query, which only http and https can send; write %s://host:port", u.Scheme)
	case u.Scheme == "tcp" && u.Path != "" && u.Path != "/":
		return "has a path, which tcp cannot use; write tcp://host:port"
	}
	return ""
}

// quote shows text from outside in an error: on one line, of bounded length, and with
// everything that could be user information or a query replaced. It does not rely on
// the text being a URL that parses.
func quote(raw string) string {
	shown := raw
	if at := strings.LastIndexByte(shown, '@'); at >= 0 {
		start := 0
		if i := strings.Index(shown[:at], "://"); i >= 0 {
			start = i + len("://")
		}
		shown = shown[:start] + mask + shown[at:]
	}
	if i := strings.IndexByte(shown, '?'); i >= 0 && i+1 < len(shown) {
		shown = shown[:i] + "?..."
	}
	return strconv.Quote(short(shown))
}

// short bounds text for an error.
func short(text string) string {
	const most = 120
	if len(text) > most {
		return text[:most] + "..."
	}
	return text
}

func unprintable(r rune) bool {
	return r < 0x20 || r == 0x7f || !strconv.IsPrint(r)
}
