package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/telltale-agent/telltale/"

// room is a part of the house with what it may import of ours directly, and
// what it must not depend on even through others, with the reason.
type room struct {
	packages  string   // below the module; a trailing slash means those below it
	ours      []string // as packages
	forbidden map[string]string
}

// The reasons that several rooms share.
const (
	sdkIsChosen  = "the agent chooses the SDK; recording needs the API only"
	noServer     = "who declares or records a metric serves nothing"
	ownMux       = "it adds handlers to http.DefaultServeMux as soon as it is imported"
	oneWay       = "arrows point one way: agent introduces the packages to each other"
	cobraIsShown = "flags are for people in a terminal, not for programs that embed the agent"
	healthIsBare = "anything can report its health without taking a dependency"
)

// outside is everything that is not in the standard library.
const outside = "…"

// rooms lists the particular before the general: the first that fits counts.
var rooms = []room{
	{
		packages: "instruments",
		forbidden: map[string]string{
			"go.opentelemetry.io/otel/sdk":       sdkIsChosen,
			"go.opentelemetry.io/otel/exporters": sdkIsChosen,
			"github.com/prometheus/":             "the catalogue can be read and recorded to with OpenTelemetry's API alone",
			"net/http":                           noServer,
			module + "health":                    oneWay,
			module + "exporters":                 oneWay,
			module + "agent":                     oneWay,
		},
	},
	{
		packages: "instruments/instrumentstest",
		ours:     []string{"instruments"},
		forbidden: map[string]string{
			"github.com/prometheus/": "values are looked at where they leave the SDK",
			module + "health":        oneWay,
			module + "exporters":     oneWay,
			module + "agent":         oneWay,
		},
	},
	{
		packages: "instruments/",
		ours:     []string{"instruments"},
		forbidden: map[string]string{
			"go.opentelemetry.io/otel/sdk":         sdkIsChosen,
			"github.com/prometheus/client_golang/": "values are read here and shown by the exporters",
			module + "health":                      oneWay,
			module + "exporters":                   oneWay,
			module + "agent":                       oneWay,
		},
	},
	{
		packages: "health",
		forbidden: map[string]string{
			outside: healthIsBare,
		},
	},
	{
		packages: "exporters",
		ours:     []string{"instruments"},
		forbidden: map[string]string{
			"github.com/spf13/": cobraIsShown,
			"net/http/pprof":    ownMux,
			module + "health":   oneWay,
			module + "agent":    oneWay,
		},
	},
	{
		packages: "agent",
		ours:     []string{"agent/", "exporters", "health", "instruments", "instruments/"},
		forbidden: map[string]string{
			"github.com/spf13/": cobraIsShown,
			"net/http/pprof":    ownMux,
			"testing":           "test code has no place in a program",
			module + "cmd/":     oneWay,
		},
	},
	{
		packages: "agent/internal/",
		ours:     []string{"exporters", "health", "instruments", "agent/internal/"},
		forbidden: map[string]string{
			"github.com/spf13/": cobraIsShown,
			"net/http/pprof":    ownMux,
		},
	},
	{
		packages: "cmd/",
		ours:     []string{"agent"},
		forbidden: map[string]string{
			"net/http/pprof":                   ownMux,
			"testing":                          "test code has no place in a program",
			"go.uber.org/goleak":               "test code has no place in a program",
			"github.com/rogpeppe/":             "test code has no place in a program",
			"go.etcd.io/":                      "peers of the tests belong into modules of their own",
			"cloud.google.com/":                "peers of the tests belong into modules of their own",
			"github.com/prometheus/prometheus": "peers of the tests belong into modules of their own",
		},
	},
}

// listed is what go list tells about a package.
type listed struct {
	ImportPath string
	Standard   bool
	Imports    []string
	Deps       []string
	Module     *struct{ Path string }
}

func goList(t *testing.T, args ...string) []listed {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Standard,Imports,Deps,Module"}, args...)...)
	cmd.Dir = "../.."
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	var list []listed
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
}

func TestArrows(t *testing.T) {
	standard := make(map[string]bool)
	for _, p := range goList(t, "std") {
		standard[p.ImportPath] = true
	}
	seen := make(map[string]bool)
	for _, p := range goList(t, "./...") {
		path, _ := strings.CutPrefix(p.ImportPath, module)
		i := slices.IndexFunc(rooms, func(r room) bool { return isOneOf(path, r.packages) })
		if i < 0 {
			if !strings.HasPrefix(path, "docs/") {
				t.Errorf("%s belongs to no room: say in this test what it may import", path)
			}
			continue
		}
		seen[rooms[i].packages] = true
		rooms[i].check(t, path, p, standard)
	}
	for _, r := range rooms {
		if !seen[r.packages] {
			t.Errorf("room %s has no package: this test checks nothing there", r.packages)
		}
	}
}

func (r room) check(t *testing.T, path string, p listed, standard map[string]bool) {
	for _, imported := range p.Imports {
		ours, ok := strings.CutPrefix(imported, module)
		if ok && !isOneOf(ours, r.ours...) {
			t.Errorf("%s must not import %s: it may import %v of ours", path, ours, r.ours)
		}
	}
	for _, dep := range p.Deps {
		for forbidden, reason := range r.forbidden {
			if forbidden == outside {
				if !standard[dep] && !strings.HasPrefix(dep, "vendor/") {
					t.Errorf("%s must not depend on %s: %s", path, dep, reason)
				}
			} else if dep == forbidden || strings.HasPrefix(dep, strings.TrimSuffix(forbidden, "/")+"/") {
				t.Errorf("%s must not depend on %s: %s", path, dep, reason)
			}
		}
	}
}

// isOneOf reports whether one of the patterns is path, or ends in a slash and
// begins it.
func isOneOf(path string, patterns ...string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		return path == pattern || strings.HasSuffix(pattern, "/") && strings.HasPrefix(path, pattern)
	})
}

// TestModules keeps the product lean: whoever adds a module to what is linked
// adds it to the list, and says in the commit what it replaces and weighs.
func TestModules(t *testing.T) {
	var linked []string
	for _, p := range goList(t, "-deps", "./cmd/telltale") {
		if p.Module != nil && !slices.Contains(linked, p.Module.Path) {
			linked = append(linked, p.Module.Path)
		}
	}
	slices.Sort(linked)
	const file = "testdata/modules.txt"
	got := strings.Join(linked, "\n") + "\n"
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the modules that are linked into telltale have changed; if that is meant, run this test with -update\ngot:\n%s\nwant:\n%s", got, want)
	}
}

// TestDefaultServeMux names what our dependencies leave in the process's default
// mux by being imported. Nothing of ours serves that mux; a program that does
// should know. No entry may come from a package of ours.
func TestDefaultServeMux(t *testing.T) {
	left := map[string]string{
		"/debug/vars":     "expvar, through client_golang",
		"/debug/requests": "golang.org/x/net/trace, through gRPC, unless built with the tag grpcnotrace",
		"/debug/events":   "golang.org/x/net/trace, through gRPC, unless built with the tag grpcnotrace",
	}
	for _, path := range []string{"/", "/debug/", "/debug/vars", "/debug/requests", "/debug/events",
		"/debug/pprof/", "/debug/pprof/profile", "/metrics", "/healthz", "/readyz"} {
		_, pattern := http.DefaultServeMux.Handler(httptest.NewRequest(http.MethodGet, path, nil))
		if _, known := left[path]; pattern != "" && !known {
			t.Errorf("importing the agent serves %s on http.DefaultServeMux", pattern)
		}
	}
	for _, p := range goList(t, "./agent/...", "./exporters/...", "./health/...", "./instruments/...", "./cmd/...") {
		for _, imported := range []string{"expvar", "net/http/pprof", "golang.org/x/net/trace"} {
			if slices.Contains(p.Imports, imported) {
				t.Errorf("%s imports %s: %s", p.ImportPath, imported, ownMux)
			}
		}
	}
}
