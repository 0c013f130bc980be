package diag

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"syscall"
)

// Listen binds a TCP address of the form HOST:PORT. Port 0 picks a free port; without a
// host it listens on all addresses. ctx bounds looking up the host. The error is one
// line that says what is wrong with which address, and what to do.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	if err := CheckAddress(address); err != nil {
		return nil, fmt.Errorf("listen on %w", err)
	}
	// Keep-alive packets notice clients that vanished while a profile is recorded.
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, &listenError{address: address, err: err}
	}
	return listener, nil
}

// CheckAddress looks at the form of an address only, and opens nothing. Whether the host
// exists and the port is free shows when it is bound. The error is one line that begins
// with the address.
func CheckAddress(address string) error {
	if fault := addressFault(address); fault != "" {
		return fmt.Errorf("%s: %s", quote(address), fault)
	}
	return nil
}

const wanted = "write HOST:PORT, for example 127.0.0.1:3000, or 127.0.0.1:0 for any free port"

func addressFault(address string) string {
	if address == "" {
		return "the address is empty; " + wanted
	}
	host, port, err := net.SplitHostPort(address)
	var malformed *net.AddrError
	switch {
	case errors.As(err, &malformed) && strings.Contains(malformed.Err, "missing port"):
		return "the port is missing; " + wanted
	case errors.As(err, &malformed) && strings.Contains(malformed.Err, "too many colons"):
		return "there are too many colons; write an IPv6 address in brackets, for example [::1]:3000"
	case err != nil:
		return "the address cannot be understood; " + wanted
	case port == "":
		return "the port is missing; " + wanted
	case strings.ContainsFunc(host, func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune("/@?#[]", r) }):
		return "the host is neither a name nor an address; " + wanted
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "the port must be a number from 0 to 65535; " + wanted
	}
	return ""
}

// listenError says in words what the system refused, and keeps its error for errors.Is.
type listenError struct {
	address string
	err     error
}

func (e *listenError) Error() string {
	return fmt.Sprintf("listen on %s: %s", e.address, e.reason())
}

func (e *listenError) Unwrap() error { return e.err }

func (e *listenError) reason() string {
	var lookup *net.DNSError
	var number syscall.Errno
	switch {
	case errors.Is(e.err, syscall.EADDRINUSE):
		return "the address is already in use; stop what uses it or choose another port (port 0 picks a free one)"
	case errors.Is(e.err, syscall.EADDRNOTAVAIL):
		return "the address does not belong to this machine; use one that does, such as 127.0.0.1"
	case errors.Is(e.err, syscall.EACCES):
		return "permission denied; ports below 1024 need a privilege, choose a higher one"
	case errors.Is(e.err, context.Canceled), errors.Is(e.err, context.DeadlineExceeded):
		return "it took too long or was cancelled; use an address instead of a name"
	case errors.As(e.err, &lookup):
		return "the host name could not be looked up; check it, or use an address such as 127.0.0.1"
	case errors.As(e.err, &number):
		return number.Error() + "; choose another address"
	}
	return "the address cannot be used; choose another one"
}

// quote shows an address from outside on one line and of bounded length.
func quote(text string) string {
	const most = 120
	if len(text) > most {
		text = text[:most] + "..."
	}
	return strconv.Quote(text)
}
