package configfile

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
)

// Fault is one thing that is wrong with a file.
type Fault struct {
	File    string
	Line    int    // counted from 1
	Path    string // such as meter_provider.readers[0].periodic.interval; empty for the whole file
	Value   string // as given; empty if it is no scalar or may be secret
	Allowed string // what is allowed
}

// Error is one line: file:line: path: value: what is allowed.
func (f *Fault) Error() string {
	at := fmt.Sprintf("%s:%d: ", f.File, f.Line)
	if f.Path != "" {
		at += f.Path + ": "
	}
	if f.Value != "" {
		at += fmt.Sprintf("%.100q: ", f.Value)
	}
	return at + f.Allowed
}

// joined is all faults in the order of the file, or nil.
func joined(faults []*Fault) error {
	slices.SortStableFunc(faults, func(a, b *Fault) int { return cmp.Compare(a.Line, b.Line) })
	errs := make([]error, len(faults))
	for i, f := range faults {
		errs[i] = f
	}
	return errors.Join(errs...)
}

var yamlError = regexp.MustCompile(`^yaml: (?:line (\d+): )?([^\n]*)`)

// syntaxFault is the parser's error in our form.
func syntaxFault(name string, err error) *Fault {
	f := &Fault{File: name, Line: 1, Allowed: "is not YAML: " + strconv.Quote(err.Error())}
	if m := yamlError.FindStringSubmatch(err.Error()); m != nil {
		f.Allowed = "is not YAML: " + m[2]
		if line, err := strconv.Atoi(m[1]); err == nil {
			f.Line = line
		}
	}
	return f
}
