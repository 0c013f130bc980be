package instruments

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"

	"go.opentelemetry.io/otel/metric"
)

// row is a declaration with what a registry needs to bring it to life.
type row struct {
	Declaration

	index int    // position in the catalogue, and in each registry
	site  string // file:line of the declaration, for the message about a clash
	fault error  // what is wrong with the labels

	// bind makes the live side of the row for one registry. It is nil for what
	// other instrumentation records and for summaries.
	bind func(*Registry, metric.Meter) (family, error)
}

// declaration gives a copy of the row. A nil row, of a declaration that was
// refused, has nothing in it.
func (r *row) declaration() Declaration {
	if r == nil {
		return Declaration{}
	}
	return r.Declaration.clone()
}

// catalogue holds the rows of the process. Rows are added while packages
// initialise and by an embedder's Declare functions; none ever changes or goes.
type catalogue struct {
	mu    sync.RWMutex // guards the fields below
	rows  []*row
	taken map[string]*row // by each exposed name, in lower case as the SDK compares
}

var theCatalogue catalogue

// add checks r against the rules and against every other declaration.
// callers is the number of stack frames between add and the declaration.
func (c *catalogue) add(r *row, callers int) error {
	r.site = callSite(callers + 2)
	if err := checkDeclaration(r); err != nil {
		return fmt.Errorf("declare %s %q at %s: %w", r.Kind, r.Name, r.site, err)
	}
	r.Declaration = r.Declaration.clone()
	exposed := r.Kind.exposes(strings.ToLower(r.Name))

	c.mu.Lock()
	defer c.mu.Unlock()
	for _, name := range exposed {
		if other, ok := c.taken[name]; ok {
			return fmt.Errorf("declare %s %q at %s: clashes with the %s %q declared at %s: choose another name",
				r.Kind, r.Name, r.site, other.Kind, other.Name, other.site)
		}
	}
	if c.taken == nil {
		c.taken = make(map[string]*row)
	}
	for _, name := range exposed {
		c.taken[name] = r
	}
	r.index = len(c.rows)
	c.rows = append(c.rows, r)
	return nil
}

// snapshot returns the rows made so far. The slice is never written again.
func (c *catalogue) snapshot() []*row {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return slices.Clip(c.rows)
}

// holder returns the row that occupies an exposed name, or nil.
func (c *catalogue) holder(exposed string) *row {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.taken[strings.ToLower(exposed)]
}

func callSite(callers int) string {
	_, file, line, ok := runtime.Caller(callers)
	if !ok {
		return "an unknown place"
	}
	if i := strings.LastIndexByte(file, '/'); i >= 0 {
		if j := strings.LastIndexByte(file[:i], '/'); j >= 0 {
			file = file[j+1:]
		}
	}
	return fmt.Sprintf("%s:%d", file, line)
}
