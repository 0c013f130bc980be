package probe

import (
	"context"
	"net"
	"net/url"
)

// tcpCheck is ok when a connection is accepted. It sends nothing, and closes the
// connection at once.
type tcpCheck struct {
	target  string
	address string
	life    life
}

func newTCP(u *url.URL) *tcpCheck {
	return &tcpCheck{target: target(u), address: u.Host}
}

func (c *tcpCheck) Target() string { return c.target }

func (c *tcpCheck) Run(ctx context.Context) error {
	ctx, end, err := c.life.begin(ctx, c.target)
	if err != nil {
		return err
	}
	defer end()
	conn, err := dial(ctx, c.address)
	if err != nil {
		return fail(ctx, c.target, err)
	}
	conn.Close() // nothing was sent: there is nothing that closing could lose
	return nil
}

func (c *tcpCheck) Close() error {
	c.life.close()
	return nil
}

// dial opens a connection for a check. Keep-alive packets are off: no connection of a
// check is quiet for longer than an interval.
func dial(ctx context.Context, address string) (net.Conn, error) {
	return (&net.Dialer{KeepAlive: -1}).DialContext(ctx, "tcp", address)
}
