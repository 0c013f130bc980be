package instruments

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
)

// series maps the label sets of one metric in one registry to their cells, up
// to a bound. A look-up of a label set that is there takes no lock and no
// memory; new label sets are collected under a lock and published to the
// lock-free readers once the misses have paid for the copy.
type series[L comparable, C any] struct {
	codec   labelCodec[L]
	limit   int // series at most, the overflow series included
	newCell func(L, attribute.Set) *C
	altered func(alteration) // called for each label set that had to be cleaned
	spilled func()           // called each time the overflow series is handed out

	published atomic.Pointer[map[L]*C] // never written after it is stored

	mu       sync.Mutex // guards the fields below
	all      map[L]*C
	cells    []*C // all but the overflow cell, in order of creation; elements never change, so that prefixes can be read unlocked
	overflow *C
	misses   int // look-ups since the last publication that had to take the lock
}

func newSeries[L comparable, C any](codec labelCodec[L], limit int, newCell func(L, attribute.Set) *C) *series[L, C] {
	s := &series[L, C]{codec: codec, limit: limit, newCell: newCell, all: make(map[L]*C)}
	s.published.Store(&map[L]*C{})
	return s
}

// at returns the cell of l. A label set above the bound gets the overflow cell.
func (s *series[L, C]) at(l L) *C {
	if c, ok := (*s.published.Load())[l]; ok {
		return c
	}
	return s.find(l)
}

func (s *series[L, C]) find(l L) *C {
	l, alteration := s.codec.clean(l)
	if alteration != unaltered {
		s.altered(alteration)
	}
	c, spilled := s.findClean(l)
	if spilled {
		s.spilled()
	}
	return c
}

func (s *series[L, C]) findClean(l L) (c *C, spilled bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.all[l]
	switch {
	case ok:
	case len(s.all) < s.limit-1:
		c = s.newCell(l, s.codec.set(l))
		s.all[l] = c
		s.cells = append(s.cells, c)
	default:
		return s.overflowLocked(), true
	}
	if s.misses++; s.misses >= len(s.all)/8 {
		s.publishLocked()
	}
	return c, false
}

func (s *series[L, C]) overflowLocked() *C {
	if s.overflow == nil {
		var none L
		s.overflow = s.newCell(none, attribute.NewSet(overflowAttribute))
	}
	return s.overflow
}

func (s *series[L, C]) publishLocked() {
	published := maps.Clone(s.all)
	s.published.Store(&published)
	s.misses = 0
}

// forget removes the cell of l, if there is one. Its place is free again. The
// cell is marked after look-ups have stopped finding it, and before they can
// make another one in its place.
func (s *series[L, C]) forget(l L, mark func(*C)) {
	l, _ = s.codec.clean(l)
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.all[l]
	if !ok {
		return
	}
	delete(s.all, l)
	s.publishLocked()
	mark(c)
	i := slices.Index(s.cells, c)
	s.cells = slices.Concat(s.cells[:i], s.cells[i+1:]) // a new array: collections may be reading the old one
}

// each calls read for the cells of the moment. The overflow cell comes last:
// once the SDK has seen it in a collection, it adds to it whatever is new.
func (s *series[L, C]) each(read func(*C)) {
	s.mu.Lock()
	cells, overflow := s.cells, s.overflow
	s.mu.Unlock()
	for _, c := range cells {
		read(c)
	}
	if overflow != nil {
		read(overflow)
	}
}
