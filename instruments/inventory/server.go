package inventory

import "time"

// server is what is known of one id. The inventory's mutex guards it.
type server struct {
	alarm   alarm
	id      string
	version string

	last   time.Duration // when it was heard of
	missed int           // heartbeats that were counted as missed since then
	open   int           // connections
	due    bool          // heartbeats are expected: it has not said goodbye
	gone   bool          // dropped from the inventory
}

// serverLocked returns the server with the given id, which is made when there
// is none, unless there are too many.
func (inv *Inventory) serverLocked(id, version string) (*server, error) {
	if s, known := inv.servers[id]; known {
		return s, nil
	}
	if len(inv.servers) >= inv.options.MaxServers {
		return nil, ErrFull
	}
	s := &server{id: id, version: version, last: inv.now()}
	s.alarm.ring = func(now time.Duration) { inv.lookAtServerLocked(s, now) }
	inv.servers[id] = s
	inv.versions[version]++
	return s, nil
}

// renameLocked puts a server under another version.
func (inv *Inventory) renameLocked(s *server, version string) {
	if s.version != version {
		inv.withoutVersionLocked(s.version)
		inv.versions[version]++
		s.version = version
	}
}

func (inv *Inventory) withoutVersionLocked(version string) {
	if inv.versions[version]--; inv.versions[version] == 0 {
		delete(inv.versions, version)
	}
}

// heardLocked notes a sign of life.
func (inv *Inventory) heardLocked(s *server, now time.Duration) {
	inv.countMissedLocked(s, now)
	s.last, s.missed = now, 0
	if s.due && s.alarm.set {
		return // the alarm is too early at worst
	}
	s.due = true
	inv.alarms.put(&s.alarm, inv.nextLookLocked(s))
}

// countMissedLocked counts what has become overdue. It looks at the clock, not
// at how often it was called, so that it does not matter when that is.
func (inv *Inventory) countMissedLocked(s *server, now time.Duration) {
	if !s.due {
		return
	}
	overdue := min(inv.options.missedAfter(now-s.last), inv.options.mostMissed())
	inv.missed.Add(float64(overdue - s.missed))
	s.missed = overdue
}

func (inv *Inventory) nextLookLocked(s *server) time.Duration {
	if !s.due || s.missed >= inv.options.mostMissed() {
		return s.last + inv.options.TTL
	}
	return s.last + inv.options.Grace + time.Duration(s.missed+1)*inv.options.Interval
}

// lookAtServerLocked counts what is overdue, and drops a server whose time is up.
func (inv *Inventory) lookAtServerLocked(s *server, now time.Duration) {
	inv.countMissedLocked(s, now)
	if now < s.last+inv.options.TTL {
		inv.alarms.put(&s.alarm, inv.nextLookLocked(s))
		return
	}
	s.gone = true
	inv.alarms.drop(&s.alarm)
	delete(inv.servers, s.id)
	inv.withoutVersionLocked(s.version)
}
