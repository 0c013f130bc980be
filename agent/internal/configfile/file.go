// Package configfile reads otel-config.yaml: a document of OpenTelemetry's
// declarative configuration, of which it takes what Telltale can do and refuses
// the rest by name, so that nothing that is written there is silently without
// effect.
//
// The file is a tree of mappings and lists. [Load] parses it, puts the values of
// environment variables into its scalars, and then visits it along the schema;
// a value from the environment can never become a key, a list or a mapping.
// Every fault found on the way is reported, with its line and path.
package configfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"go.yaml.in/yaml/v3"

	"github.com/telltale-agent/telltale/exporters"
)

// maxSize bounds the file; the largest sensible one has a few kilobytes.
const maxSize = 1 << 20

// File is what a configuration file says. The zero File says nothing.
type File struct {
	// ResourceAttributes describe the process; service.name is one of them.
	ResourceAttributes map[string]string

	// Targets are the collectors to push to, in the order of the file.
	Targets []exporters.Target
}

// Load reads the file at path. getenv gives the values for ${VARIABLE}. The
// error joins every fault, one per line: a *Fault each, unless the file cannot
// be read at all.
func Load(path string, getenv func(string) string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	switch {
	case err != nil:
		return nil, unreadable(path, err)
	case len(data) > maxSize:
		return nil, fmt.Errorf("read configuration file %q: must be at most %d bytes", path, maxSize)
	}
	return Parse(path, data, getenv)
}

// unreadable says in one line which file cannot be read and why. The errors of
// package os show the path as it is, line breaks included.
func unreadable(path string, err error) error {
	var in *fs.PathError
	if errors.As(err, &in) {
		err = in.Err
	}
	return fmt.Errorf("read configuration file %q: %w; give the path of a file that can be read", path, err)
}

// Parse is Load for a file whose content is at hand; name stands in the faults.
func Parse(name string, data []byte, getenv func(string) string) (*File, error) {
	root, err := document(name, data)
	if err != nil {
		return nil, err
	}
	v := &visitor{name: name, getenv: getenv}
	file := v.root(root)
	if err := v.err(); err != nil {
		return nil, err
	}
	return file, nil
}

// document returns the one document in data.
func document(name string, data []byte) (*yaml.Node, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var root, more yaml.Node
	switch err := decoder.Decode(&root); {
	case errors.Is(err, io.EOF):
		return nil, &Fault{File: name, Line: 1, Allowed: `must hold a document that begins with file_format: "1.0"`}
	case err != nil:
		return nil, syntaxFault(name, err)
	}
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, &Fault{File: name, Line: max(1, more.Line), Allowed: "must hold only one document"}
	}
	return root.Content[0], nil
}
