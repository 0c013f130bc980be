package ssh

import "sync"

// userLimit bounds how much each user has at a time. Users with nothing take
// no memory.
type userLimit struct {
	max int // 0 or less: no limit

	mu   sync.Mutex // guards open
	open map[string]int
}

// acquire takes one for user, unless there are as many as allowed.
func (l *userLimit) acquire(user string) bool {
	if l.max <= 0 {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[user] >= l.max {
		return false
	}
	if l.open == nil {
		l.open = make(map[string]int)
	}
	l.open[user]++
	return true
}

// release gives back what acquire took.
func (l *userLimit) release(user string) {
	if l.max <= 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[user]--; l.open[user] <= 0 {
		delete(l.open, user)
	}
}
