package inventory

import (
	"context"
	"errors"
	"io"
	"sync"

	"google.golang.org/grpc"
)

// Announced tells what a gRPC stream announces, and whether it announces
// anything. It is called when a stream opens, with a nil message, for what the
// metadata or the peer in ctx say. If that is nothing, it is called once more,
// with the first message; a stream that announces nothing then is none of the
// inventory's business.
type Announced func(ctx context.Context, method string, first any) (Announcement, bool)

// StreamServerInterceptor makes streams connections of the inventory: from what
// announced tells of them until their handler returns, with every message that
// is received as a heartbeat. A stream has said goodbye when its client closed
// its side, or when its handler returned without an error while the client was
// there; any other has been lost.
//
// It watches and changes nothing. A stream that the inventory refuses is served
// like any other, without being counted; a panic comes through.
func (inv *Inventory) StreamServerInterceptor(announced Announced) grpc.StreamServerInterceptor {
	return func(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
		s := &stream{ServerStream: ss, inv: inv, announced: announced, method: info.FullMethod}
		defer s.end()
		s.announce(nil)
		err := handler(srv, s)
		s.returned(err)
		return err
	}
}

// stream is a server stream that tells of the messages it receives.
type stream struct {
	grpc.ServerStream
	inv       *Inventory
	announced Announced
	method    string

	mu      sync.Mutex // guards the fields below: a handler may return while RecvMsg blocks
	conn    *Connection
	decided bool // about conn
	over    bool // the handler has returned or panicked
	goodbye bool
	broken  bool
}

// RecvMsg receives the next message, which is a heartbeat.
func (s *stream) RecvMsg(m any) error {
	err := s.ServerStream.RecvMsg(m)
	if err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		if errors.Is(err, io.EOF) {
			s.goodbye = true
		} else {
			s.broken = true
		}
		return err
	}
	s.received(m)
	return nil
}

func (s *stream) received(m any) {
	s.mu.Lock()
	conn, decided := s.conn, s.decided
	s.mu.Unlock()
	switch {
	case conn != nil:
		_ = conn.Heartbeat() // an inventory that is full or closed is no reason to end the stream
	case !decided:
		s.announce(m)
	}
}

// announce connects the stream, if it has something to announce.
func (s *stream) announce(first any) {
	a, ok := s.announced(s.Context(), s.method, first)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.decided = ok || first != nil
	if ok && !s.over {
		s.conn, _ = s.inv.Connect(a) // refused: served all the same, uncounted
	}
}

func (s *stream) returned(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.goodbye = s.goodbye || err == nil && s.Context().Err() == nil
}

// end ends the connection, however the handler has ended.
func (s *stream) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	if s.goodbye && !s.broken {
		s.conn.Close()
		return
	}
	s.conn.Lost()
}
