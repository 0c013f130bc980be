package ssh

import (
	"maps"
	"slices"
	"sync"

	gossh "golang.org/x/crypto/ssh"
)

// backlog is how many channels or requests wait for a program that is slow.
// x/crypto keeps 16. It is more here, so that those which arrived before the
// connection ended find room without anybody waiting.
const backlog = 64

// connection knows the sessions of one connection that have not ended.
type connection struct {
	server *Server
	user   string
	closed <-chan struct{} // the network connection is

	mu       sync.Mutex // guards sessions
	sessions map[*session]struct{}
}

// forward hands on the channels that the client opens, sessions measured. It
// ends with the connection, whether or not somebody takes the channels.
func (s *Server) forward(in <-chan gossh.NewChannel, user string, closed <-chan struct{}) <-chan gossh.NewChannel {
	c := &connection{server: s, user: user, closed: closed, sessions: make(map[*session]struct{})}
	out := make(chan gossh.NewChannel, backlog)
	go func() {
		defer close(out)
		defer c.end()
		for channel := range in {
			if channel.ChannelType() != "session" {
				deliver(out, channel, closed, nil)
			} else if session := c.open(channel); session != nil {
				deliver(out, gossh.NewChannel(session), closed, nil)
			}
		}
	}()
	return out
}

// deliver sends v, unless nobody takes it until the connection is closed. For as
// long as it waits it says so to who receives from waiting, which may be nil.
func deliver[T any](out chan<- T, v T, closed <-chan struct{}, waiting chan<- struct{}) {
	select {
	case out <- v:
		return
	default:
	}
	for {
		select {
		case out <- v:
			return
		case <-closed:
			return
		case waiting <- struct{}{}:
		}
	}
}

// open admits a session channel, or refuses it and returns nil.
func (c *connection) open(channel gossh.NewChannel) *newSession {
	if !c.acquire() {
		c.server.sessionLimitHits.Inc()
		_ = channel.Reject(gossh.ResourceShortage, "too many concurrent sessions") // nobody could act on the error
		return nil
	}
	s := &session{connection: c, over: make(chan struct{})}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sessions[s] = struct{}{}
	return &newSession{NewChannel: channel, session: s}
}

// acquire takes a place for the user of the connection. When there is none it
// sees first whether the client has closed a session before it opened this one:
// the news of both come on different ways.
func (c *connection) acquire() bool {
	if c.server.users.acquire(c.user) {
		return true
	}
	c.mu.Lock()
	open := slices.Collect(maps.Keys(c.sessions))
	c.mu.Unlock()
	for _, s := range open {
		s.catchUp()
	}
	return c.server.users.acquire(c.user)
}

// end ends the sessions that are left, also those that were never accepted.
func (c *connection) end() {
	c.mu.Lock()
	left := c.sessions
	c.sessions = nil
	c.mu.Unlock()
	for s := range left {
		s.end()
	}
}

func (c *connection) forget(s *session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.sessions, s)
}
