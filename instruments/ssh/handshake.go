package ssh

import (
	"net"

	gossh "golang.org/x/crypto/ssh"
)

// Handshake is ssh.NewServerConn, measured: it takes and returns the same, and
// closes conn when the handshake fails. It counts the login or the failure, and
// from then on the bytes and sessions of the connection. When a callback of
// config panics, the login has failed, and the panic goes on; as with x/crypto,
// conn is then the caller's to close.
func (s *Server) Handshake(conn net.Conn, config *gossh.ServerConfig) (*gossh.ServerConn, <-chan gossh.NewChannel, <-chan *gossh.Request, error) {
	counting, h := s.counting(conn), new(handshake)
	loggedIn := false
	defer func() { // also after a panic or runtime.Goexit of a callback
		if !loggedIn {
			s.failed(h)
		}
	}()
	server, channels, requests, err := gossh.NewServerConn(counting, h.measure(config))
	if err != nil {
		return nil, nil, nil, h.restore(err)
	}
	loggedIn = true
	s.logins.Inc()
	return server, s.forward(channels, s.user(server), counting.closed), requests, nil
}

// failed counts the login before its cause, so that causes never exceed logins.
func (s *Server) failed(h *handshake) {
	if !h.attempted {
		return
	}
	s.failedLogins.Inc()
	if h.certificateRefused {
		s.certificates.Inc()
	}
}

// handshake notes what the callbacks of one handshake have seen. They run one
// after another, in the goroutine of the handshake.
type handshake struct {
	attempted          bool // the client tried to authenticate
	certificateRefused bool // one, at least, whatever came after

	// addressBound is whether the key at hand is a certificate that was accepted
	// with the critical option source-address, which x/crypto checks afterwards.
	addressBound bool

	// partial leads from the copies of partial successes to the originals.
	partial map[error]error
}

// logged learns what x/crypto decided about one request to authenticate.
func (h *handshake) logged(method string, err error) {
	if err == nil || method == "none" {
		return
	}
	h.attempted = true
	if method == "publickey" && h.addressBound {
		h.certificateRefused = true
	}
	h.addressBound = false
}

// judged learns what a callback said about a key.
func (h *handshake) judged(key gossh.PublicKey, permissions *gossh.Permissions, err error) {
	h.addressBound = false
	if _, ok := key.(*gossh.Certificate); !ok {
		return
	}
	if _, ok := err.(*gossh.PartialSuccessError); err != nil && !ok {
		h.certificateRefused = true
		return
	}
	if permissions != nil {
		_, h.addressBound = permissions.CriticalOptions["source-address"]
	}
}
