package health

import (
	"errors"
	"fmt"
	"strconv"
	"unicode"
	"unicode/utf8"
)

// maxName bounds a component's name, in bytes.
const maxName = 128

// checkName reports what keeps name from being a component's name. A name is
// shown in one line of text, is one segment of a URL's path, and is the value
// of a metric's label.
func checkName(name string) error {
	switch {
	case name == "":
		return errors.New("the name is empty")
	case len(name) > maxName:
		return fmt.Errorf("the name has %d bytes, allowed are %d", len(name), maxName)
	case !utf8.ValidString(name):
		return errors.New("the name is not valid UTF-8")
	case name == "." || name == "..":
		return errors.New("the name means a directory in a URL")
	case name[0] == ' ' || name[len(name)-1] == ' ':
		return errors.New("the name begins or ends with a space")
	}
	for _, r := range name {
		if r == '/' || !unicode.IsPrint(r) {
			return fmt.Errorf("the name must not contain %q", r)
		}
	}
	return nil
}

// quoted is how messages show a name that may be anything: in quotes, on one
// line, and not longer than a name can be.
func quoted(name string) string {
	if len(name) > maxName {
		return strconv.Quote(name[:maxName]) + "…"
	}
	return strconv.Quote(name)
}
