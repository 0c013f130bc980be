package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"github.com/telltale-agent/telltale/instruments/tunnel"
)

// call sends a request to the API of the auth service.
func (p *Plane) call(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, "http://"+p.apiAddr+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s %s: %s: %s", method, path, response.Status, bytes.TrimSpace(answer))
	}
	return answer, nil
}

// certificate lets the auth service certify a new key of the user.
func (p *Plane) certificate(ctx context.Context, user string) (gossh.Signer, error) {
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	answer, err := p.call(ctx, http.MethodPost, "/v1/certificates/"+user, gossh.MarshalAuthorizedKey(key.PublicKey()))
	if err != nil {
		return nil, err
	}
	certificate, _, _, _, err := gossh.ParseAuthorizedKey(answer)
	if err != nil {
		return nil, err
	}
	return gossh.NewCertSigner(certificate.(*gossh.Certificate), key)
}

// login is the way of a user over any connection: of a TCP dialer to the proxy,
// of a client of the proxy to a node. Host is who must be there.
func (p *Plane) login(ctx context.Context, dial tunnel.DialFunc, addr, host, user string, key gossh.Signer) (*gossh.Client, error) {
	conn, err := dial(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	inner, channels, requests, err := gossh.NewClientConn(conn, net.JoinHostPort(host, "22"), &gossh.ClientConfig{
		User:            user,
		Auth:            []gossh.AuthMethod{gossh.PublicKeys(key)},
		HostKeyCallback: p.authority.Hosts().CheckHostKey,
		Timeout:         10 * time.Second,
	})
	if err != nil {
		conn.Close()
		return nil, err
	}
	return gossh.NewClient(inner, channels, requests), nil
}
