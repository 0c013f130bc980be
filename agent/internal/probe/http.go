package probe

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

const (
	// bodyLimit and bodyTime bound how much of an answer is read before the
	// connection is closed. The status decides; reading on only spares the peer a
	// broken connection, so a body that is long or never ends is cut off.
	bodyLimit = 64 << 10
	bodyTime  = 250 * time.Millisecond

	headerLimit = 64 << 10
)

// httpCheck is ok when GET answers 2xx. Each run opens a connection of its own, which
// proves that the peer still accepts them and leaves nothing open between runs.
type httpCheck struct {
	target    string
	url       *url.URL // without user information
	user      *url.Userinfo
	transport *http.Transport
	life      life
}

func newHTTP(u *url.URL, s settings) *httpCheck {
	bare := *u
	bare.User = nil
	return &httpCheck{
		target: target(u),
		url:    &bare,
		user:   u.User,
		transport: &http.Transport{
			// Proxy stays nil: probes go direct.
			DialContext:            func(ctx context.Context, _, addr string) (net.Conn, error) { return dial(ctx, addr) },
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: s.roots},
			DisableKeepAlives:      true,
			DisableCompression:     true,
			MaxResponseHeaderBytes: headerLimit,
		},
	}
}

func (c *httpCheck) Target() string { return c.target }

func (c *httpCheck) Run(ctx context.Context) error {
	ctx, end, err := c.life.begin(ctx, c.target)
	if err != nil {
		return err
	}
	defer end()
	// RoundTrip rather than a client: it follows no redirect and keeps no cookie.
	response, err := c.transport.RoundTrip(c.request(ctx))
	if err != nil {
		return fail(ctx, c.target, err)
	}
	stop := time.AfterFunc(bodyTime, end)
	defer stop.Stop()
	defer response.Body.Close()
	_, _ = io.CopyN(io.Discard, response.Body, bodyLimit) // the status decides
	return c.judge(response.StatusCode)
}

func (c *httpCheck) request(ctx context.Context) *http.Request {
	request := (&http.Request{
		Method: http.MethodGet,
		URL:    c.url,
		Host:   c.url.Host,
		Header: http.Header{"User-Agent": {"telltale-probe"}, "Accept": {"*/*"}},
	}).WithContext(ctx)
	if c.user != nil {
		password, _ := c.user.Password()
		request.SetBasicAuth(c.user.Username(), password)
	}
	return request
}

func (c *httpCheck) judge(status int) error {
	if status >= 200 && status <= 299 {
		return nil
	}
	text := fmt.Sprintf("status %d", status)
	if known := http.StatusText(status); known != "" {
		text += " " + known
	}
	text += ", want 2xx"
	if status >= 300 && status <= 399 {
		text += "; redirects are not followed, so give the address that answers itself"
	}
	return &failure{target: c.target, text: text}
}

func (c *httpCheck) Close() error {
	c.life.close()
	c.transport.CloseIdleConnections()
	return nil
}
