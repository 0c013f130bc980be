package profiling

import (
	_ "embed"
	"fmt"
	"html"
	"net/http"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strings"
)

// indexSource is the page with places such as {{title}} to fill in. They are
// filled in without html/template, which keeps the linker from leaving out
// methods that nobody calls: the binary would be a quarter larger.
//
//go:embed index.html
var indexSource string

// The rows of the page's tables. Only names and texts of this package go into
// them, none of which has a character that HTML would need escaped.
const (
	timedRow = `<tr><th scope="row">%[1]s</th><td>%[2]s</td>
<td><form class="record" action="%[1]s" method="get"><input type="number" name="seconds" value="%[3]d" min="1" max="%[4]d" required aria-label="seconds to record for %[1]s"> <button type="submit" aria-label="record %[1]s">Record</button></form></td></tr>
`
	keptRow = `<tr><th scope="row">%s</th><td>%s</td>
<td class="number">%d</td>
<td class="links">%s</td></tr>
`
	hintText = ` <span class="quiet">Empty unless the program calls <code>%s</code>.</span>`
	linkText = `<a href="%[1]s" aria-label="%[2]s: %[3]s">%[3]s</a> `
	restRow  = `<tr><th scope="row"><a href="%[1]s">%[1]s</a></th><td>%[2]s</td></tr>
`
)

// serveIndex lists the profiles. Its links lead to the text forms that group equal
// stacks; the plain paths stay in the form that go tool pprof reads.
func (h *Handler) serveIndex(w http.ResponseWriter, r *http.Request) error {
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	if r.Method == http.MethodHead {
		return nil
	}
	return sendAll(w, []byte(h.index(r.Host)))
}

// index is the page. host is as the client wrote it, for commands to copy.
func (h *Handler) index(host string) string {
	var timed, kept, rest strings.Builder
	for _, p := range h.profiles {
		switch {
		case p.timed:
			fmt.Fprintf(&timed, timedRow, p.name, p.about, min(proposed(p.name), h.maxSeconds), h.maxSeconds)
		case p.kept:
			fmt.Fprintf(&kept, keptRow, p.name, about(p), pprof.Lookup(p.name).Count(), links(p))
		default:
			fmt.Fprintf(&rest, restRow, p.name, p.about)
		}
	}
	// A replacer looks at no text twice, so that nothing is filled into what
	// the client wrote.
	return strings.NewReplacer(
		"{{title}}", html.EscapeString(h.title()),
		"{{go}}", html.EscapeString(runtime.Version()),
		"{{max}}", fmt.Sprint(h.maxSeconds),
		"{{url}}", html.EscapeString("http://"+host+Path),
		"{{timed}}", timed.String(),
		"{{kept}}", kept.String(),
		"{{rest}}", rest.String(),
	).Replace(indexSource)
}

func (h *Handler) title() string {
	if len(h.args) == 0 {
		return "Profiles"
	}
	return "Profiles of " + filepath.Base(h.args[0])
}

func about(p profile) string {
	if p.hint == "" {
		return p.about
	}
	return p.about + fmt.Sprintf(hintText, p.hint)
}

func links(p profile) string {
	list := fmt.Sprintf(linkText, p.name+"?debug=1", p.name, "text")
	for _, m := range p.more {
		list += fmt.Sprintf(linkText, html.EscapeString(p.name+"?"+m.Query), p.name, m.Label)
	}
	return list + fmt.Sprintf(linkText, p.name, p.name, "download")
}

// proposed is the number of seconds in the form of the index page.
func proposed(name string) int {
	if name == "trace" {
		return 1
	}
	return 30
}
