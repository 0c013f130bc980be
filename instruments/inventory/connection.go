package inventory

import (
	"fmt"
	"time"

	"github.com/telltale-agent/telltale/instruments"
)

// Connection is one connection of a server on which heartbeats come. All
// methods are safe for concurrent use; on nil they do nothing.
type Connection struct {
	inv       *Inventory
	announced Announcement

	// The inventory's mutex guards the rest.
	alarm  alarm
	server *server
	last   time.Duration // when it was heard of
	counts bool          // it is among the connections: neither silent for too long nor ended
	ended  bool
	kept   bool // by Announce
}

// Connect notes a connection that was accepted, which is a sign of life of the
// server on it. It counts until it is ended by Close or Lost, and while it was
// heard of within the time to live.
//
// The error wraps [ErrInvalid], [ErrFull] or [ErrClosed]. The nil connection
// that comes with it can be used like any other.
func (inv *Inventory) Connect(a Announcement) (*Connection, error) {
	a, err := a.checked()
	if err != nil {
		return nil, fmt.Errorf("connect to inventory: %w", err)
	}
	c, err := locked(inv, func() (*Connection, error) { return inv.connectLocked(a) })
	if err != nil {
		return nil, fmt.Errorf("connect %s %q to inventory: %w", a.Type, a.ID, err)
	}
	return c, nil
}

func (inv *Inventory) connectLocked(a Announcement) (*Connection, error) {
	c := &Connection{inv: inv, announced: a}
	c.alarm.ring = c.lookLocked
	if err := c.enterLocked(); err != nil {
		return nil, err
	}
	inv.renameLocked(c.server, a.Version)
	inv.received.Inc()
	return c, nil
}

// enterLocked makes the connection count, as one of its server.
func (c *Connection) enterLocked() error {
	inv, now := c.inv, c.inv.now()
	if inv.connections >= inv.options.MaxConnections && !c.counts {
		return ErrFull
	}
	s, err := inv.serverLocked(c.announced.ID, c.announced.Version)
	if err != nil {
		return err
	}
	if !c.counts {
		inv.moveLocked(c.announced.Type, 1)
	}
	s.open++
	c.server, c.counts, c.last = s, true, now
	inv.heardLocked(s, now)
	inv.alarms.put(&c.alarm, now+inv.options.TTL)
	return nil
}

// leaveLocked makes the connection count no longer.
func (c *Connection) leaveLocked() {
	if !c.counts {
		return
	}
	c.counts = false
	c.server.open--
	c.inv.alarms.drop(&c.alarm)
	c.inv.moveLocked(c.announced.Type, -1)
	if c.kept {
		delete(c.inv.kept, c.announced.key())
	}
}

// lookLocked ends what was silent for too long. A connection that its server's
// handle still holds comes back with its next heartbeat.
func (c *Connection) lookLocked(now time.Duration) {
	if now < c.last+c.inv.options.TTL {
		c.inv.alarms.put(&c.alarm, c.last+c.inv.options.TTL)
		return
	}
	c.leaveLocked()
}

// Heartbeat notes a sign of life of the server. A connection that was silent
// for longer than the time to live counts again from then on, as the same
// connection; ErrFull says that there was no room for it. After the connection
// or the inventory has ended the error wraps ErrClosed.
func (c *Connection) Heartbeat() error {
	if c == nil {
		return nil
	}
	_, err := locked(c.inv, func() (struct{}, error) { return struct{}{}, c.heartbeatLocked() })
	if err != nil {
		return fmt.Errorf("heartbeat of %s %q: %w", c.announced.Type, c.announced.ID, err)
	}
	return nil
}

func (c *Connection) heartbeatLocked() error {
	if c.ended {
		return ErrClosed
	}
	if !c.counts || c.server.gone {
		return c.enterLocked()
	}
	c.last = c.inv.now()
	c.inv.heardLocked(c.server, c.last)
	return nil
}

// Close says that the connection has ended as it should: the client has said
// goodbye, and when it was the last connection of its server, no heartbeat is
// missed from now on. The server stays registered for the time to live. Only
// the first of all calls of Close and Lost does anything.
func (c *Connection) Close() { c.end(true) }

// Lost says that the connection broke off: the heartbeats of the server are
// missed until it connects again or is dropped. Only the first of all calls of
// Close and Lost does anything.
func (c *Connection) Lost() { c.end(false) }

func (c *Connection) end(goodbye bool) {
	if c == nil {
		return
	}
	_, _ = locked(c.inv, func() (struct{}, error) {
		c.endLocked(goodbye)
		return struct{}{}, nil
	})
}

func (c *Connection) endLocked(goodbye bool) {
	if c.ended {
		return
	}
	c.ended = true
	c.leaveLocked()
	if s := c.server; goodbye && s.open == 0 && !s.gone {
		c.inv.countMissedLocked(s, c.inv.now())
		s.due = false
		c.inv.alarms.put(&s.alarm, c.inv.nextLookLocked(s))
	}
}

// key is what tells the connections that Announce keeps apart.
type key struct {
	id  string
	typ instruments.ResourceType
}

func (a Announcement) key() key { return key{a.ID, a.Type} }

// Announce is for clients that have no connection of their own, such as those
// of the HTTP handler. The first announcement of an id and type opens a
// connection; those that follow are heartbeats on it, and may bring another
// version. It ends when none has come for the time to live, and the server's
// heartbeats are missed until then. Errors are those of Connect.
func (inv *Inventory) Announce(a Announcement) error {
	a, err := a.checked()
	if err != nil {
		return fmt.Errorf("announce to inventory: %w", err)
	}
	_, err = locked(inv, func() (struct{}, error) { return struct{}{}, inv.announceLocked(a) })
	if err != nil {
		return fmt.Errorf("announce %s %q to inventory: %w", a.Type, a.ID, err)
	}
	return nil
}

func (inv *Inventory) announceLocked(a Announcement) error {
	if c, known := inv.kept[a.key()]; known {
		c.announced.Version = a.Version
		if err := c.heartbeatLocked(); err != nil {
			return err
		}
		inv.renameLocked(c.server, a.Version)
		return nil
	}
	c, err := inv.connectLocked(a)
	if err != nil {
		return err
	}
	c.kept = true
	inv.kept[a.key()] = c
	return nil
}
