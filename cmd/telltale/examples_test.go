package main

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"path/filepath"
	"testing"
)

// Each public package has examples, and all of them are run by go test: one
// that has no output is only compiled, and may be untrue.
func TestPublicPackagesHaveExamplesThatRun(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(repository, "instruments", "*", "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"agent", "exporters", "health", "instruments"} {
		files = append(files, filepath.Join(repository, name, "doc.go"))
	}
	dirs := make(map[string]bool)
	for _, file := range files {
		dirs[filepath.Dir(file)] = true
	}
	for dir := range dirs {
		examples := doc.Examples(testFiles(t, dir)...)
		if len(examples) == 0 {
			t.Errorf("%s: no example", dir)
		}
		for _, e := range examples {
			if e.Output == "" && !e.EmptyOutput {
				t.Errorf("%s: Example%s has no output to compare with, so that nothing runs it", dir, e.Name)
			}
		}
	}
}

func testFiles(t *testing.T, dir string) []*ast.File {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, name := range names {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}
