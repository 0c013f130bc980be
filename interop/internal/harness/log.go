package harness

import (
	"bytes"
	"strconv"
	"strings"
	"sync"
)

// Line is one line of the process's log, as log/slog's text handler writes it.
type Line struct {
	Text  string            // the line as written
	Attrs map[string]string // time, level, msg and the attributes
}

// Message is the constant message of the line, empty if the line is not a log line.
func (l Line) Message() string { return l.Attrs["msg"] }

// output collects what a process writes. It is safe for concurrent use.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

// Write keeps p.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

// String is everything written so far.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// lines are the complete lines written so far.
func (o *output) lines() []Line {
	var lines []Line
	text := o.String()
	for {
		line, rest, complete := strings.Cut(text, "\n")
		if !complete {
			return lines
		}
		lines = append(lines, Line{Text: line, Attrs: parseAttrs(line)})
		text = rest
	}
}

// parseAttrs reads key=value pairs; values may be quoted as Go strings. What is not of that form is left out.
func parseAttrs(line string) map[string]string {
	attrs := map[string]string{}
	for line = strings.TrimSpace(line); line != ""; line = strings.TrimLeft(line, " ") {
		key, rest, ok := strings.Cut(line, "=")
		if !ok || strings.ContainsAny(key, " \t") {
			return attrs
		}
		quoted, err := strconv.QuotedPrefix(rest)
		if err != nil {
			attrs[key], line, _ = strings.Cut(rest, " ")
			continue
		}
		attrs[key], _ = strconv.Unquote(quoted)
		line = rest[len(quoted):]
	}
	return attrs
}
