package tunnel_test

import (
	"context"
	"errors"
	"net"
	"runtime"
	"sync"
	"testing"

	"github.com/telltale-agent/telltale/instruments"
	"github.com/telltale-agent/telltale/instruments/instrumentstest"
	"github.com/telltale-agent/telltale/instruments/tunnel"
)

var errRefused = errors.New("refused")

// outcomes are all the ways in which an attempt can end.
var outcomes = []struct {
	name   string
	dial   tunnel.DialFunc
	failed float64
}{
	{"connected", func(context.Context, string, string) (net.Conn, error) { return &net.TCPConn{}, nil }, 0},
	{"neither connection nor error", func(context.Context, string, string) (net.Conn, error) { return nil, nil }, 0},
	{"refused", func(context.Context, string, string) (net.Conn, error) { return nil, errRefused }, 1},
	{"connection with error", func(context.Context, string, string) (net.Conn, error) { return &net.TCPConn{}, errRefused }, 1},
	{"given up by the user", func(ctx context.Context, _, _ string) (net.Conn, error) {
		ctx, cancel := context.WithCancel(ctx)
		cancel()
		return nil, ctx.Err()
	}, 1},
	{"panic", func(context.Context, string, string) (net.Conn, error) { panic(errRefused) }, 1},
	{"end of goroutine", func(context.Context, string, string) (net.Conn, error) { runtime.Goexit(); return nil, nil }, 1},
}

// result is everything that a call can come to.
type result struct {
	conn     bool
	err      error
	panicked any
	returned bool
}

// call runs dial in a goroutine of its own, since it may end that.
func call(dial tunnel.DialFunc) (r result) {
	var done sync.WaitGroup
	done.Go(func() {
		defer func() { r.panicked = recover() }()
		conn, err := dial(context.Background(), "tcp", "node:3022")
		r = result{conn: conn != nil, err: err, returned: true}
	})
	done.Wait()
	return r
}

func TestAttemptsCountAndChangeNothing(t *testing.T) {
	for _, o := range outcomes {
		t.Run(o.name, func(t *testing.T) {
			e := instrumentstest.New(t)
			bare := call(o.dial)
			counted := call(tunnel.NewAttempts(e.Registry).Dialer(o.dial))
			if counted != bare {
				t.Errorf("got %+v, want %+v as without the wrapper", counted, bare)
			}
			e.WantShown(t, map[string]float64{attempts: 1, failures: o.failed})

			done := call(func(ctx context.Context, network, addr string) (conn net.Conn, err error) {
				err = tunnel.NewAttempts(e.Registry).Do(func() error {
					conn, err = o.dial(ctx, network, addr)
					return err
				})
				return conn, err
			})
			if done != bare {
				t.Errorf("Do: got %+v, want %+v", done, bare)
			}
			e.WantShown(t, map[string]float64{attempts: 2, failures: 2 * o.failed})
		})
	}
}

func TestAttemptsPassArgumentsOn(t *testing.T) {
	type key struct{}
	ctx := context.WithValue(context.Background(), key{}, "value")
	dial := tunnel.NewAttempts(nil).Dialer(func(ctx context.Context, network, addr string) (net.Conn, error) {
		if ctx.Value(key{}) != "value" || network != "tcp" || addr != "node:3022" {
			t.Errorf("got %v, %q, %q", ctx.Value(key{}), network, addr)
		}
		return nil, errRefused
	})
	if _, err := dial(ctx, "tcp", "node:3022"); err != errRefused {
		t.Errorf("got %v, want the error itself", err)
	}
}

func TestAttemptsWithRealConnections(t *testing.T) {
	e := instrumentstest.New(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dial := tunnel.NewAttempts(e.Registry).Dialer((&net.Dialer{}).DialContext)
	conn, err := dial(context.Background(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := conn.(*net.TCPConn); !ok {
		t.Errorf("got %T, want the connection that was dialled", conn)
	}
	conn.Close()
	listener.Close()
	if _, err := dial(context.Background(), "tcp", listener.Addr().String()); err == nil {
		t.Error("connected to a closed port")
	}
	e.WantShown(t, map[string]float64{attempts: 2, failures: 1})
}

func TestFailuresAreASubsetInEveryCollection(t *testing.T) {
	e := instrumentstest.New(t)
	dial := tunnel.NewAttempts(e.Registry).Dialer(outcomes[2].dial)
	var dialing sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		dialing.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					_, _ = dial(context.Background(), "tcp", "node:3022")
				}
			}
		})
	}
	for range 100 {
		if got := e.Collect(t); got[failures] > got[attempts] {
			t.Errorf("%v failures of %v attempts", got[failures], got[attempts])
			break
		}
	}
	close(stop)
	dialing.Wait()
	got := e.Collect(t)
	e.WantShown(t, map[string]float64{failures: got[attempts]})
}

func TestAttemptsAllocateNothing(t *testing.T) {
	counting := tunnel.NewAttempts(instrumentstest.New(t).Registry)
	dial := counting.Dialer(outcomes[2].dial)
	nothing := func() error { return nil }
	allocs := testing.AllocsPerRun(100, func() {
		_, _ = dial(context.Background(), "tcp", "node:3022")
		_ = counting.Do(nothing)
	})
	if allocs != 0 {
		t.Errorf("got %v allocations, want none", allocs)
	}
}

func TestAttemptsWithoutARegistry(t *testing.T) {
	closed := instrumentstest.New(t)
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	for name, reg := range map[string]*instruments.Registry{"nil": nil, "closed": closed.Registry} {
		t.Run(name, func(t *testing.T) {
			for _, o := range outcomes {
				if got, want := call(tunnel.NewAttempts(reg).Dialer(o.dial)), call(o.dial); got != want {
					t.Errorf("%s: got %+v, want %+v", o.name, got, want)
				}
			}
		})
	}
}
