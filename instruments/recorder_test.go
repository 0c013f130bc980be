package instruments

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Every metric is recorded by somebody, and the documentation says by whom: the
// source of the package that it names, tests left out, uses the declaration.
func TestEveryMetricHasARecorder(t *testing.T) {
	variables := declaredVariables(t)
	used := make(map[string]map[string]bool) // by package
	for _, d := range packageRows() {
		if d.Recorder == "" {
			t.Errorf("%s: nobody is named who records it", d.Name)
			continue
		}
		if used[d.Recorder] == nil {
			used[d.Recorder] = usedDeclarations(t, d.Recorder)
		}
		variable, ok := variables[d.Name]
		if !ok {
			t.Errorf("%s: no variable found that declares it", d.Name)
			continue
		}
		if d.SemConv != "" {
			continue // the package starts the instrumentation that records it
		}
		if !used[d.Recorder][variable] {
			t.Errorf("%s: %s is said to record it, but its source does not mention %s", d.Name, d.Recorder, variable)
		}
	}
}

// sources parses the files of a package without its tests.
func sources(t *testing.T, dir string) []*ast.File {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}

// declaredVariables are the package's variables by the name of the metric that
// each declares.
func declaredVariables(t *testing.T) map[string]string {
	t.Helper()
	variables := make(map[string]string)
	for _, file := range sources(t, ".") {
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Names) != 1 {
				return true
			}
			for _, value := range spec.Values {
				if name := metricName(value); name != "" {
					variables[name] = spec.Names[0].Name
				}
			}
			return false
		})
	}
	return variables
}

// metricName is the text given to the field Name of the Spec inside an
// expression, or "".
func metricName(value ast.Expr) string {
	var name string
	ast.Inspect(value, func(n ast.Node) bool {
		literal, ok := n.(*ast.CompositeLit)
		if !ok {
			return true
		}
		if kind, ok := literal.Type.(*ast.Ident); !ok || kind.Name != "Spec" {
			return true
		}
		for _, element := range literal.Elts {
			pair := element.(*ast.KeyValueExpr)
			if text, ok := pair.Value.(*ast.BasicLit); ok && pair.Key.(*ast.Ident).Name == "Name" {
				name, _ = strconv.Unquote(text.Value)
			}
		}
		return false
	})
	return name
}

// usedDeclarations are the names of this package that another mentions, given by
// its path within the module, or that this one mentions itself outside of
// declarations.
func usedDeclarations(t *testing.T, path string) map[string]bool {
	t.Helper()
	dir := filepath.Join("..", filepath.FromSlash(path))
	if _, err := os.Stat(dir); err != nil {
		t.Errorf("%s records metrics, but there is no such package: %v", path, err)
		return nil
	}
	used := make(map[string]bool)
	for _, file := range sources(t, dir) {
		ast.Inspect(file, func(n ast.Node) bool {
			selector, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			switch on := selector.X.(type) {
			case *ast.Ident:
				if on.Name == "instruments" {
					used[selector.Sel.Name] = true
				} else if path == "instruments" {
					used[on.Name] = true // X.In(registry)
				}
			}
			return true
		})
	}
	return used
}

// A package below instruments that no metric names records nothing, or something
// that the documentation ascribes to another.
func TestEveryIntegrationRecordsSomething(t *testing.T) {
	named := map[string]bool{"instruments/instrumentstest": true} // it looks at what others record
	for _, d := range packageRows() {
		named[d.Recorder] = true
	}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if entry.IsDir() && len(sources(t, entry.Name())) > 0 && !named["instruments/"+entry.Name()] {
			t.Errorf("no metric is said to be recorded by instruments/%s", entry.Name())
		}
	}
}
