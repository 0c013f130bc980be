package ssh

import (
	"io"
	"sync"
	"sync/atomic"

	gossh "golang.org/x/crypto/ssh"
)

// Refuse answers a channel's request with no, like request.Reply(false, nil).
// If it was the request for a terminal or a shell that made the session
// interactive, it is so no longer. Channels that do not come from
// [Server.Handshake] are answered, too.
func Refuse(channel gossh.Channel, request *gossh.Request) error {
	if c, ok := channel.(interface{ measured() *session }); ok {
		c.measured().refused(request)
	}
	return request.Reply(false, nil)
}

// session is one session channel, from its arrival to its end.
type session struct {
	connection *connection
	over       chan struct{} // closed at the end

	mu      sync.Mutex // guards the fields below
	asked   int        // requests for a terminal or a shell, less those refused
	ended   bool
	waiting chan struct{} // can be received from while forward waits; nil until Accept is called
}

// interactive tells whether a request makes a session so.
func interactive(request *gossh.Request) bool {
	return request.Type == "pty-req" || request.Type == "shell"
}

func (s *session) requested(request *gossh.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended || !interactive(request) {
		return
	}
	if s.asked++; s.asked == 1 {
		s.connection.server.interactive.Inc()
	}
}

func (s *session) refused(request *gossh.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended || !interactive(request) || s.asked == 0 {
		return
	}
	if s.asked--; s.asked == 0 {
		s.connection.server.interactive.Dec()
	}
}

// end ends the session for the first time it is called.
func (s *session) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return
	}
	s.ended = true
	if s.asked > 0 {
		s.connection.server.interactive.Dec()
	}
	s.connection.server.users.release(s.connection.user)
	s.connection.forget(s)
	close(s.over) // last: who waits for it wants the place
}

// newSession is a session channel that the program has not decided about.
type newSession struct {
	gossh.NewChannel
	session *session
	decided atomic.Bool
}

// Accept ends the session if that fails, but not if it was decided before: the
// second call is an error that changes nothing.
func (n *newSession) Accept() (gossh.Channel, <-chan *gossh.Request, error) {
	first := n.decided.CompareAndSwap(false, true)
	if first {
		n.session.accepting()
	}
	channel, requests, err := n.NewChannel.Accept()
	if err != nil {
		if first {
			n.session.end()
		}
		return channel, requests, err
	}
	return n.session.channel(channel), n.session.forward(requests), nil
}

func (n *newSession) Reject(reason gossh.RejectionReason, message string) error {
	if n.decided.CompareAndSwap(false, true) {
		n.session.end() // before the client is told, which may open another one at once
	}
	return n.NewChannel.Reject(reason, message)
}

// forward hands on the requests of an accepted session. The session has ended
// by the time the returned channel is closed.
func (s *session) forward(in <-chan *gossh.Request) <-chan *gossh.Request {
	out, waiting := make(chan *gossh.Request, backlog), s.waits()
	go func() {
		defer close(out)
		defer s.end()
		for {
			request, ok := next(in, waiting)
			if !ok {
				return
			}
			s.requested(request)
			deliver(out, request, s.connection.closed, waiting)
		}
	}()
	return out
}

// accepting comes before the client can know that the session is accepted, and
// close it.
func (s *session) accepting() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = make(chan struct{})
}

func (s *session) waits() chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waiting
}

// next receives from in. It says that it waits only after it has found nothing.
func next(in <-chan *gossh.Request, waiting chan<- struct{}) (*gossh.Request, bool) {
	for {
		select {
		case request, ok := <-in:
			return request, ok
		default:
		}
		select {
		case request, ok := <-in:
			return request, ok
		case waiting <- struct{}{}:
		}
	}
}

// catchUp returns when forward has seen all that had come when it was called, be
// that the end, or cannot go on because nobody takes the requests. That forward
// waits is no proof when it is said for the first time, since it may have looked
// before catchUp was called; it looks again before the second time.
func (s *session) catchUp() {
	waiting := s.waits()
	if waiting == nil {
		return // not accepted: the client cannot close it
	}
	for range 2 {
		select {
		case <-waiting:
		case <-s.over:
			return
		}
	}
}

// extended is what channels of x/crypto can do beyond their interface.
type extended interface {
	Extended(code uint32) io.ReadWriter
	ReadExtended(data []byte, code uint32) (int, error)
	WriteExtended(data []byte, code uint32) (int, error)
}

func (s *session) channel(inner gossh.Channel) gossh.Channel {
	c := &channel{Channel: inner, session: s}
	if more, ok := inner.(extended); ok {
		return &extendedChannel{c, more}
	}
	return c
}

// channel ends its session when the server closes it, since the client may be
// slow to confirm that, and before the client is told, which may open another
// one at once.
type channel struct {
	gossh.Channel
	session *session
}

func (c *channel) Close() error {
	c.session.end()
	return c.Channel.Close()
}

func (c *channel) measured() *session { return c.session }

type extendedChannel struct {
	*channel
	extended
}
