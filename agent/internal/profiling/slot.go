package profiling

import (
	"fmt"
	"net/http"
	"sync"
	"time"
)

// slot lets one recording run at a time.
type slot struct {
	mu    sync.Mutex // guards what follows
	busy  string     // name of the profile that runs; empty: none
	until time.Time
}

// take marks the slot as busy for d, or refuses with the time that is left.
func (s *slot) take(name string, d time.Duration) (release func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy != "" {
		return nil, &refusal{
			status: http.StatusConflict,
			text:   fmt.Sprintf("a %s is being recorded; try again after it", s.busy),
			retry:  max(time.Until(s.until), time.Second),
		}
	}
	s.busy, s.until = name, time.Now().Add(d)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.busy = ""
	}, nil
}

// foreign is the refusal when code outside this handler is recording: until when is
// not known.
func foreign(name string) *refusal {
	return &refusal{
		status: http.StatusConflict,
		text:   fmt.Sprintf("another part of the process is recording a %s; try again later", name),
		retry:  10 * time.Second,
	}
}
