package diag

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// DefaultRequestTime is how long making and taking an answer may last.
const DefaultRequestTime = 10 * time.Minute

// Options are the limits of a server. The zero value of each field stands for what the
// package comment says.
type Options struct {
	Logger *slog.Logger // nil means slog.Default()

	HeaderTime  time.Duration // for the header of a request to arrive: 5 s
	IdleTime    time.Duration // for the next request on a connection to begin: 60 s
	BodyTime    time.Duration // for the body of a request to arrive: 10 s
	StallTime   time.Duration // for a client to take 64 KiB of an answer: 30 s
	RequestTime time.Duration // for making an answer and taking it: DefaultRequestTime
	DrainTime   time.Duration // for requests to end by themselves at Shutdown: 1 s

	HeaderBytes int // size of a header, more than 4 KiB: 64 KiB
	BodyBytes   int // size of a body: 1 MiB
	Connections int // open at a time: 512
}

func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&o.HeaderTime, 5 * time.Second},
		{&o.IdleTime, 60 * time.Second},
		{&o.BodyTime, 10 * time.Second},
		{&o.StallTime, 30 * time.Second},
		{&o.RequestTime, DefaultRequestTime},
		{&o.DrainTime, time.Second},
	} {
		if *d.field <= 0 {
			*d.field = d.value
		}
	}
	for _, n := range []struct {
		field *int
		value int
	}{
		{&o.HeaderBytes, 64 << 10},
		{&o.BodyBytes, 1 << 20},
		{&o.Connections, 512},
	} {
		if *n.field <= 0 {
			*n.field = n.value
		}
	}
	return o
}

// Server serves one listener until Shutdown.
type Server struct {
	options     Options
	address     net.Addr
	http        *http.Server
	connections *connections
	cancel      context.CancelCauseFunc // ends the contexts of all requests
	served      chan struct{}           // closed when no connection is accepted any more

	once sync.Once
	err  error // of Shutdown
}

// headerSlop is what net/http reads of a header beyond MaxHeaderBytes.
const headerSlop = 4 << 10

// Serve answers the connections of a listener in the background, and returns at once. The
// server owns the listener from then on. The caller must call Shutdown.
func (o Options) Serve(listener net.Listener, routes http.Handler) *Server {
	o = o.withDefaults()
	ctx, cancel := context.WithCancelCause(context.Background())
	s := &Server{
		options:     o,
		address:     listener.Addr(),
		connections: newConnections(o.Connections),
		cancel:      cancel,
		served:      make(chan struct{}),
	}
	s.http = &http.Server{
		Handler:                      s.guard(routes, onLoopback(listener.Addr())),
		ReadHeaderTimeout:            o.HeaderTime,
		IdleTimeout:                  o.IdleTime,
		MaxHeaderBytes:               o.HeaderBytes - headerSlop,
		ConnState:                    s.connections.changed,
		BaseContext:                  func(net.Listener) context.Context { return ctx },
		ErrorLog:                     slog.NewLogLogger(o.Logger.Handler(), slog.LevelDebug),
		DisableGeneralOptionsHandler: true,
	}
	go s.serve(listener)
	return s
}

func (s *Server) serve(listener net.Listener) {
	defer close(s.served)
	if err := s.http.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		s.options.Logger.Error("diagnostics listener failed", "endpoint", s.address.String(), "err", err)
	}
}

// Addr returns the address of the listener.
func (s *Server) Addr() net.Addr { return s.address }

// guard puts around the routes what holds for every request.
func (s *Server) guard(routes http.Handler, loopback bool) http.Handler {
	h := limitBody(s.options, routes)
	if loopback {
		h = requireLoopbackHost(h)
	}
	return answerSafely(s.options, h)
}

const (
	// shutdownMost bounds Shutdown when its ctx has no deadline, or a later one.
	shutdownMost = 5 * time.Second
	// shutdownLast is how long Shutdown waits after ctx for handlers whose connections
	// were closed.
	shutdownLast = 50 * time.Millisecond
)

// errStopping is the cause of the end of the contexts of requests.
var errStopping = errors.New("the diagnostics server is stopping")

// Shutdown stops the server: it accepts nothing more, closes connections without a
// request, and lets the requests that are being answered end. Their contexts end after
// a second, or after half of the time that ctx leaves, which ends recordings; when ctx
// ends, or after 5 s, the connections are closed. The error says that requests were cut
// off. Shutdown may be called twice and concurrently: all calls return the result of
// the first one.
func (s *Server) Shutdown(ctx context.Context) error {
	s.once.Do(func() { s.err = s.shutdown(ctx) })
	return s.err
}

func (s *Server) shutdown(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, shutdownMost)
	defer cancel()
	defer s.cancel(errStopping)

	// With a context that has ended, the server closes the listener and what is idle
	// and leaves the waiting, which it would do by polling, to us.
	over, end := context.WithCancel(ctx)
	end()
	_ = s.http.Shutdown(over)
	<-s.served
	s.connections.closeWaiting()

	empty := s.connections.empty()
	if s.drained(ctx, empty) {
		return nil
	}
	s.cancel(errStopping)
	select {
	case <-empty:
		return nil
	case <-ctx.Done():
	}
	return s.cutOff(empty)
}

// drained waits for requests to end by themselves.
func (s *Server) drained(ctx context.Context, empty <-chan struct{}) bool {
	patience := s.options.DrainTime
	if deadline, bounded := ctx.Deadline(); bounded {
		patience = min(patience, time.Until(deadline)/2)
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-empty:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}

func (s *Server) cutOff(empty <-chan struct{}) error {
	n := s.connections.count()
	if n == 0 {
		return nil
	}
	_ = s.http.Close() // of connections that nobody waits for
	timer := time.NewTimer(shutdownLast)
	defer timer.Stop()
	select {
	case <-empty:
	case <-timer.C:
	}
	return fmt.Errorf("shut down the diagnostics server on %s: %d requests were cut off", s.address, n)
}
