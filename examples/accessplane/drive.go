package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
)

// drive does once what users do.
func drive(ctx context.Context, p *Plane) error {
	for _, step := range []struct {
		method, path, body string
	}{
		{http.MethodPut, "/v1/resources/users/alice", "a user"},
		{http.MethodPut, "/v1/resources/users/bob?ttl=1h", "a user for an hour"},
		{http.MethodPut, "/v1/resources/nodes/node-1", "a node that ought to have a tunnel"},
		{http.MethodPost, "/v1/resources/users/bob/rename?to=rob", ""},
		{http.MethodGet, "/v1/resources/users", ""},
		{http.MethodDelete, "/v1/resources/users/rob", ""},
	} {
		if _, err := p.call(ctx, step.method, step.path, []byte(step.body)); err != nil {
			return err
		}
	}
	if err := driveSession(ctx, p, "alice"); err != nil {
		return err
	}
	for _, step := range []struct{ method, path string }{
		{http.MethodPost, "/v1/audit/flush"},
		{http.MethodGet, "/v1/audit/alice"},
		{http.MethodGet, "/v1/recordings/alice-1"},
	} {
		if _, err := p.call(ctx, step.method, step.path, nil); err != nil {
			return err
		}
	}
	return nil
}

// driveSession goes through the proxy to the node, and says something there.
func driveSession(ctx context.Context, p *Plane, user string) error {
	key, err := p.certificate(ctx, user)
	if err != nil {
		return err
	}
	addr := p.proxy.users.Addr().String()
	proxy, err := p.login(ctx, new(net.Dialer).DialContext, addr, "proxy", user, key)
	if err != nil {
		return fmt.Errorf("log in at the proxy: %w", err)
	}
	defer proxy.Close()
	node, err := p.login(ctx, proxy.DialContext, "node-1:22", "node-1", user, key)
	if err != nil {
		return fmt.Errorf("log in at the node: %w", err)
	}
	defer node.Close()
	session, err := node.NewSession()
	if err != nil {
		return err
	}
	defer session.Close()
	session.Stdin = bytes.NewReader([]byte("hello\n"))
	if err := session.Shell(); err != nil {
		return err
	}
	return session.Wait()
}
