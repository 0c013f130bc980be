package diag

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Mux finds the handler for a path. Unlike http.ServeMux it takes paths as they are: it
// redirects nothing, so /healthz/ and //healthz are unknown paths. What is unknown gets
// 404, a method that a path does not have 405 with Allow; both have a body of one line
// of JSON.
//
// All calls of Handle must come before the first request.
type Mux struct {
	routes []route
}

type route struct {
	path    string // exact, or a prefix that ends with a slash
	name    string // of the path value that follows the prefix; empty: none
	subtree bool
	methods []string
	handler http.Handler
}

// NewMux returns a mux without routes.
func NewMux() *Mux { return &Mux{} }

// Handle adds a route. A pattern is one of
//
//	/healthz               this path
//	/readyz/{component}    one more element, which Request.PathValue("component") returns
//	/debug/pprof/          the path and everything below it
//
// The first pattern that fits wins. Without methods, GET and HEAD are let through;
// otherwise those named are, and the handler may be stricter.
func (m *Mux) Handle(pattern string, handler http.Handler, methods ...string) {
	if len(methods) == 0 {
		methods = []string{http.MethodGet, http.MethodHead}
	}
	r := route{path: pattern, methods: methods, handler: handler}
	if prefix, wildcard, found := strings.Cut(pattern, "{"); found {
		r.path, r.name = prefix, strings.TrimSuffix(wildcard, "}")
	} else {
		r.subtree = strings.HasSuffix(pattern, "/")
	}
	m.routes = append(m.routes, r)
}

// ServeHTTP implements http.Handler.
func (m *Mux) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for _, one := range m.routes {
		if !one.fits(r) {
			continue
		}
		if !slices.Contains(one.methods, r.Method) {
			allowed := strings.Join(one.methods, ", ")
			w.Header().Set("Allow", allowed)
			writeError(w, http.StatusMethodNotAllowed, "the method is not allowed; use one of "+allowed)
			return
		}
		one.handler.ServeHTTP(w, r)
		return
	}
	writeError(w, http.StatusNotFound, "no endpoint has this path")
}

// fits tells whether the request is for the route, and sets its path value.
func (t *route) fits(r *http.Request) bool {
	switch {
	case t.subtree:
		return strings.HasPrefix(r.URL.Path, t.path)
	case t.name == "":
		return r.URL.Path == t.path
	}
	element, found := strings.CutPrefix(r.URL.EscapedPath(), t.path)
	if !found || element == "" || strings.Contains(element, "/") {
		return false
	}
	value, err := url.PathUnescape(element)
	if err != nil {
		return false
	}
	r.SetPathValue(t.name, value)
	return true
}
