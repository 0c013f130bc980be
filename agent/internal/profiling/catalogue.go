package profiling

import "runtime/pprof"

// profile is one path below Path.
type profile struct {
	name  string
	about string
	serve serveFunc
	post  bool   // POST is allowed as well
	timed bool   // records for some seconds; the index page asks for how many
	kept  bool   // the runtime keeps it all the time; it has a count and a text form
	hint  string // what a reader of the index page should know besides
	more  []more // further forms that the index page links to
}

// more is a link to another form of a profile.
type more struct{ Label, Query string }

// catalogue lists the profiles in the order of the index page. The set is closed:
// profiles that the host defines itself are not served, since nobody asked for them.
func (h *Handler) catalogue() []profile {
	list := []profile{
		{name: "profile", timed: true, serve: h.serveCPU,
			about: "Where CPU time is spent while it is recorded."},
		{name: "trace", timed: true, serve: h.serveTrace,
			about: "Every scheduling, blocking and garbage collection event while it is recorded. Open it with go tool trace."},
		{name: "heap", kept: true, more: []more{{"after GC", "debug=1&gc=1"}},
			about: "Sampled allocations that are still live. After GC, only those that are still reachable."},
		{name: "allocs", kept: true,
			about: "Sampled allocations since the start, live or not."},
		{name: "goroutine", kept: true, more: []more{{"one by one", "debug=2"}},
			about: "What each goroutine is doing. The text groups equal stacks."},
		{name: "goroutineleak", kept: true,
			about: "Goroutines that can never go on, found by a garbage collection."},
		{name: "block", kept: true, hint: "runtime.SetBlockProfileRate",
			about: "Where goroutines waited for channels and locks."},
		{name: "mutex", kept: true, hint: "runtime.SetMutexProfileFraction",
			about: "Who held locks that others were waiting for."},
		{name: "threadcreate", kept: true,
			about: "What made the runtime start operating system threads."},
		{name: "cmdline", serve: h.serveCmdline,
			about: "The command line, with values masked."},
		{name: "symbol", serve: h.serveSymbol, post: true,
			about: "Names of functions for program counters; tools use it."},
	}
	served := list[:0]
	for _, p := range list {
		if p.kept {
			if pprof.Lookup(p.name) == nil {
				continue // goroutineleak is there only if the runtime was built with it
			}
			p.serve = h.snapshot(p.name)
		}
		served = append(served, p)
	}
	return served
}
