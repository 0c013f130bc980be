package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// checkTable wants every documented metric in the table, and nothing else.
func checkTable(t *testing.T, table []row) {
	t.Helper()
	kinds := documented(t)
	for name := range kinds {
		if !slices.ContainsFunc(table, func(r row) bool { return r.metric == name }) {
			t.Errorf("nothing is expected of %s", name)
		}
	}
	for _, r := range table {
		if kinds[r.metric] == "" {
			t.Errorf("%s is expected, but not documented", r.metric)
		}
		if r.why == "" {
			t.Errorf("%s{%s}: no reason", r.metric, r.labels)
		}
	}
}

// await scrapes until one series is as its row wants it to be while it is busy.
func (r *rig) await(t *testing.T, wanted row) {
	t.Helper()
	r.settle(t, "metrics", []row{wanted}, nil, func(w row) want { return w.busy })
}

// check compares both exits with the table, and returns what /metrics shows.
// What is on its way may still arrive.
func (r *rig) check(t *testing.T, when string, table []row, before view, choose func(row) want) view {
	t.Helper()
	views := make(map[string]view)
	for _, exit := range []string{"metrics", "otlp"} {
		views[exit] = r.settle(t, exit, table, before, choose)
		for _, err := range unexpected(views[exit], table) {
			t.Errorf("%s, %s: %v", when, exit, err)
		}
		for name, kind := range documented(t) {
			for labels, p := range views[exit][name] {
				if p.kind != kind {
					t.Errorf("%s, %s: %s{%s} is a %s, want a %s", when, exit, name, labels, p.kind, kind)
				}
			}
		}
	}
	return views["metrics"]
}

// checkMoved wants every metric to have moved that can: away from zero, and
// what the runtime and the system tell away from what it was before.
func checkMoved(t *testing.T, table []row, before, busy, end view) {
	t.Helper()
	moved := make(map[string]bool)
	for _, r := range table {
		for _, later := range []view{busy, end} {
			from := before[r.metric][r.labels]
			if !strings.HasPrefix(r.metric, "go_") && !strings.HasPrefix(r.metric, "process_") {
				from = point{}
			}
			to := later[r.metric][r.labels]
			if r.still || to.value != from.value || to.count != from.count {
				moved[r.metric] = true
			}
		}
	}
	for name := range documented(t) {
		if !moved[name] {
			t.Errorf("%s has not moved: it was %+v", name, before[name])
		}
	}
}

// settle reads an exit until it shows what the rows want, and returns the last
// view. If that does not come, the rows are to blame that were never right:
// others may have been, before things that are bound to time moved on.
func (r *rig) settle(t *testing.T, exit string, rows []row, before view, choose func(row) want) view {
	t.Helper()
	readings, wrong := 0, make(map[int]int) // by row
	for deadline := time.Now().Add(patience); ; <-time.After(50 * time.Millisecond) {
		scrapes := r.scraper.scrapes
		read := r.scraper.read
		if exit == "otlp" {
			read = r.collector.read
		}
		from := lookAtSelf(t)
		now := read(t)
		around := [2]self{from, lookAtSelf(t)}
		readings++
		faults := make(map[int]error)
		for i, row := range rows {
			w := choose(row)
			if w == nil {
				continue
			}
			p, present := now[row.metric][row.labels]
			s := seen{point: p, exit: exit, present: present, before: before[row.metric][row.labels], around: around, scrapes: scrapes}
			if err := w(s); err != nil {
				faults[i] = fmt.Errorf("%s{%s}: %w (%s)", row.metric, row.labels, err, row.why)
				wrong[i]++
			}
		}
		if len(faults) == 0 {
			return now
		}
		if time.Now().After(deadline) {
			for i, err := range faults {
				if wrong[i] == readings {
					t.Error(err)
				}
			}
			t.Fatalf("%s was not right as a whole in %d readings", exit, readings)
		}
	}
}

// unexpected are the series of documented metrics that the table knows nothing of.
func unexpected(v view, table []row) (errs []error) {
	for metric, series := range v {
		inTable := func(labels string) bool {
			return slices.ContainsFunc(table, func(r row) bool { return r.metric == metric && r.labels == labels })
		}
		if !slices.ContainsFunc(table, func(r row) bool { return r.metric == metric }) {
			continue
		}
		for labels, p := range series {
			if !inTable(labels) {
				errs = append(errs, fmt.Errorf("nothing is known of %s{%s}, which is there with %+v", metric, labels, p))
			}
		}
	}
	return errs
}
