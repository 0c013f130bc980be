package probe

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

// grpcCheck is ok when the health service of the peer says SERVING. It keeps its
// connection as long as checks get an answer. Any other outcome drops the connection,
// so that the next check is a fresh attempt at once and never waits for the back-off
// of the library.
type grpcCheck struct {
	target  string
	address string
	service string
	tls     *tls.Config // nil: plain text
	life    life

	mu   sync.Mutex // guards link
	link *link
}

func newGRPC(u *url.URL, s settings) *grpcCheck {
	c := &grpcCheck{target: target(u), address: u.Host, service: strings.TrimPrefix(u.Path, "/")}
	if u.Scheme == "grpcs" {
		c.tls = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: s.roots}
	}
	return c
}

func (c *grpcCheck) Target() string { return c.target }

func (c *grpcCheck) Run(ctx context.Context) error {
	ctx, end, err := c.life.begin(ctx, c.target)
	if err != nil {
		return err
	}
	defer end()
	for {
		l, reused, err := c.connect()
		if err != nil {
			return &failure{target: c.target, text: "the connection cannot be made", err: err}
		}
		answer, err := l.ask(ctx, c.service)
		if err == nil {
			return c.judge(answer.GetStatus())
		}
		c.drop(l)
		// The peer may have restarted since the connection was made: that is no
		// fault of the peer as it is now.
		if reused && status.Code(err) == codes.Unavailable && ctx.Err() == nil {
			continue
		}
		return c.explain(ctx, l, err)
	}
}

func (c *grpcCheck) judge(s grpc_health_v1.HealthCheckResponse_ServingStatus) error {
	if s == grpc_health_v1.HealthCheckResponse_SERVING {
		return nil
	}
	return &failure{target: c.target, text: fmt.Sprintf("status %s, want SERVING", s)}
}

// explain turns the error of a call into one line. The message of the status is not
// used: it can hold what a peer that speaks something else sent.
func (c *grpcCheck) explain(ctx context.Context, l *link, err error) error {
	code := status.Code(err)
	text := ""
	switch {
	case ctx.Err() != nil, code == codes.DeadlineExceeded:
		// The library's timer for the deadline may be ahead of that of ctx.
		return fail(ctx, c.target, context.DeadlineExceeded)
	case code == codes.NotFound:
		text = fmt.Sprintf("the health service does not know the service %s", quote(c.service))
	case code == codes.Unimplemented:
		text = "the peer does not offer the health service grpc.health.v1"
	case code == codes.Unavailable:
		if connecting := l.trouble(); connecting != nil {
			return fail(ctx, c.target, connecting)
		}
		text = "the connection was lost, or the peer does not speak gRPC"
	default:
		text = fmt.Sprintf("the health service answered with code %s", code)
	}
	return &failure{target: c.target, text: text, err: err}
}

// connect returns the kept connection, or a new one. Nothing is dialled before the
// first call on it.
func (c *grpcCheck) connect() (l *link, reused bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.link != nil {
		return c.link, true, nil
	}
	l, err = newLink(c.address, c.tls)
	if err != nil {
		return nil, false, err
	}
	c.link = l
	return l, false, nil
}

// drop closes l and forgets it, unless another run has replaced it already.
func (c *grpcCheck) drop(l *link) {
	c.mu.Lock()
	if c.link == l {
		c.link = nil
	}
	c.mu.Unlock()
	l.conn.Close()
}

func (c *grpcCheck) Close() error {
	c.life.close()
	c.mu.Lock()
	l := c.link
	c.link = nil
	c.mu.Unlock()
	if l != nil {
		l.conn.Close()
	}
	return nil
}

// link is a client connection that remembers why it could not be opened: the library
// passes that on only as text.
type link struct {
	conn *grpc.ClientConn

	mu   sync.Mutex // guards last
	last error
}

func newLink(address string, config *tls.Config) (*link, error) {
	l := &link{}
	var secure credentials.TransportCredentials = insecure.NewCredentials()
	if config != nil {
		secure = credentials.NewTLS(config)
	}
	conn, err := grpc.NewClient("passthrough:///"+url.PathEscape(address),
		grpc.WithTransportCredentials(noting{TransportCredentials: secure, link: l}),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			conn, err := dial(ctx, address)
			l.note(err)
			return conn, err
		}),
		grpc.WithAuthority(address),
		grpc.WithNoProxy(),
		grpc.WithDisableServiceConfig(),
		grpc.WithUserAgent("telltale-probe"),
		grpc.WithMaxHeaderListSize(headerLimit),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(bodyLimit)),
	)
	l.conn = conn
	return l, err
}

func (l *link) ask(ctx context.Context, service string) (*grpc_health_v1.HealthCheckResponse, error) {
	return grpc_health_v1.NewHealthClient(l.conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: service})
}

func (l *link) note(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = err
}

func (l *link) trouble() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}

// noting are credentials that tell the link how the handshake ended.
type noting struct {
	credentials.TransportCredentials
	link *link
}

func (n noting) ClientHandshake(ctx context.Context, authority string, raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, info, err := n.TransportCredentials.ClientHandshake(ctx, authority, raw)
	n.link.note(err)
	return conn, info, err
}

func (n noting) Clone() credentials.TransportCredentials {
	return noting{TransportCredentials: n.TransportCredentials.Clone(), link: n.link}
}
