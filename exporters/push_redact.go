package exporters

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// redactor makes text fit for logs and errors: what a collector or a library
// says may repeat a header or a path, both of which can be secrets.
type redactor struct{ replacer *strings.Replacer }

// minSecret is the length below which a header value is not looked for: such
// words ("1", "on") stand everywhere.
const minSecret = 4

func newRedactor(t Target) redactor {
	var secrets []string
	for _, name := range t.headerNames() {
		value := t.Headers[name]
		secrets = append(secrets, value)
		// "Bearer abc" is repeated as "abc", too.
		if _, token, ok := strings.Cut(value, " "); ok {
			secrets = append(secrets, token)
		}
	}
	if u, err := t.parse(); err == nil && u.Path != "/v1/metrics" {
		secrets = append(secrets, u.EscapedPath(), u.Path)
	}
	secrets = slices.DeleteFunc(secrets, func(s string) bool { return len(s) < minSecret })
	// Longest first: a secret that contains another is replaced whole.
	slices.SortFunc(secrets, func(a, b string) int { return len(b) - len(a) })
	var pairs []string
	for _, secret := range secrets {
		pairs = append(pairs, secret, "***")
	}
	return redactor{strings.NewReplacer(pairs...)}
}

// maxText bounds what is repeated of foreign text.
const maxText = 300

// text returns s on one line, without secrets, shortened.
func (r redactor) text(s string) string {
	s = r.replacer.Replace(strings.ToValidUTF8(s, "\uFFFD"))
	s = strings.Join(strings.Fields(s), " ")
	if len(s) <= maxText {
		return s
	}
	cut := maxText
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}
