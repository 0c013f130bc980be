package firestore

import (
	"context"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
)

// stream is a query under way. It ends once: with the first error of the
// stream, which at the end of the documents is io.EOF, or with its context.
type stream struct {
	grpc.ClientStream
	measure *measure
	started time.Time
	ended   atomic.Bool
	unwatch func() bool // no more needed when the stream ended
}

// measured opens a stream. What is opened is given up when its context ends,
// with or without another call of the stream's methods.
func measured(ctx context.Context, m *measure, open func() (grpc.ClientStream, error)) (grpc.ClientStream, error) {
	s := &stream{measure: m, started: time.Now()}
	defer func() {
		if s.ClientStream == nil { // an error, a panic, or the end of the goroutine
			s.end()
		}
	}()
	opened, err := open()
	if err != nil || opened == nil {
		return opened, err
	}
	s.ClientStream = opened
	if ctx.Done() != nil {
		s.unwatch = context.AfterFunc(ctx, s.end)
	}
	return s, nil
}

func (s *stream) RecvMsg(m any) error {
	failed := true // unless it returns without an error
	defer s.endIf(&failed)
	err := s.ClientStream.RecvMsg(m)
	failed = err != nil
	return err
}

// SendMsg sends the query. After an error the client does not ask for documents.
func (s *stream) SendMsg(m any) error {
	failed := true
	defer s.endIf(&failed)
	err := s.ClientStream.SendMsg(m)
	failed = err != nil
	return err
}

func (s *stream) CloseSend() error {
	failed := true
	defer s.endIf(&failed)
	err := s.ClientStream.CloseSend()
	failed = err != nil
	return err
}

func (s *stream) endIf(failed *bool) {
	if *failed {
		s.end()
		if s.unwatch != nil {
			s.unwatch()
		}
	}
}

func (s *stream) end() {
	if s.ended.CompareAndSwap(false, true) {
		s.measure.record(s.started)
	}
}
