package diag

import (
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
)

// onLoopback tells whether only this machine can reach a listener over IP. Listeners
// that are not IP, such as Unix sockets, have no Host to check.
func onLoopback(address net.Addr) bool {
	tcp, ok := address.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// requireLoopbackHost answers 403 to requests whose Host is not loopback.
func requireLoopbackHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !loopbackRequest(r) {
			writeError(w, http.StatusForbidden, "the Host of the request is not a loopback name or address; use localhost or 127.0.0.1")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// loopbackRequest lets HTTP/1.0 requests without any Host through: load balancers send
// those as probes, and no browser does.
func loopbackRequest(r *http.Request) bool {
	if r.Host == "" {
		return !r.ProtoAtLeast(1, 1)
	}
	return loopbackHost(r.Host)
}

// loopbackHost tells whether a Host, with or without a port, is one of: localhost, a name
// below it (which resolvers must not ask the network for), an address of 127.0.0.0/8,
// also mapped to IPv6, and [::1]. Case and a dot at the end do not matter. The port may
// be any, since it may have been forwarded.
func loopbackHost(host string) bool {
	name, ok := withoutPort(host)
	if !ok {
		return false
	}
	if inner, bracketed := strings.CutPrefix(name, "["); bracketed {
		address, err := netip.ParseAddr(strings.TrimSuffix(inner, "]"))
		return err == nil && address.Is6() && address.Zone() == "" && address.Unmap().IsLoopback()
	}
	if address, err := netip.ParseAddr(name); err == nil {
		return address.Is4() && address.IsLoopback()
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	below, found := strings.CutSuffix(name, ".localhost")
	return name == "localhost" || found && plainName(below)
}

// withoutPort takes the port off, if there is one and it is a number.
func withoutPort(host string) (name string, ok bool) {
	name, rest := host, ""
	if strings.HasPrefix(host, "[") {
		end := strings.IndexByte(host, ']')
		if end < 0 {
			return "", false
		}
		name, rest = host[:end+1], host[end+1:]
	} else if colon := strings.IndexByte(host, ':'); colon >= 0 {
		name, rest = host[:colon], host[colon:]
	}
	if rest == "" {
		return name, true
	}
	if rest[0] != ':' {
		return "", false
	}
	_, err := strconv.ParseUint(rest[1:], 10, 16)
	return name, err == nil
}

// plainName tells whether every label of a name has letters, digits, hyphens and
// underscores only.
func plainName(name string) bool {
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || strings.ContainsFunc(label, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_'
		}) {
			return false
		}
	}
	return true
}
