package ssh

import (
	gossh "golang.org/x/crypto/ssh"

	"github.com/telltale-agent/telltale/instruments"
)

// Options say what a [Server] allows. The zero value allows everything.
type Options struct {
	// MaxSessions is how many session channels one user may have open at a
	// time, over all connections of the server. 0 or less means any number.
	MaxSessions int

	// User says who is behind a connection, for MaxSessions. Nil means the user
	// name of the login. Where people share login names, what tells them apart
	// can be taken from the permissions, such as the identity of a certificate.
	User func(*gossh.ServerConn) string
}

// Server measures an SSH server. All methods are safe for concurrent use.
type Server struct {
	options Options
	users   userLimit

	logins              *instruments.CounterCell
	failedLogins        *instruments.CounterCell
	certificates        *instruments.CounterCell
	received            *instruments.CounterCell
	sent                *instruments.CounterCell
	interactive         *instruments.GaugeCell
	sessionLimitHits    *instruments.CounterCell
	connectionLimitHits *instruments.CounterCell
}

// New returns a server that records in reg. With a nil registry it records
// nothing and does the rest.
func New(reg *instruments.Registry, options Options) *Server {
	return &Server{
		options:             options,
		users:               userLimit{max: options.MaxSessions},
		logins:              instruments.UserLogins.In(reg),
		failedLogins:        instruments.FailedLogins.In(reg),
		certificates:        instruments.CertificateMismatches.In(reg),
		received:            instruments.SSHBytesReceived.In(reg),
		sent:                instruments.SSHBytesSent.In(reg),
		interactive:         instruments.InteractiveSessions.In(reg),
		sessionLimitHits:    instruments.SessionLimitHits.In(reg),
		connectionLimitHits: instruments.ProxyConnectionsRefused.In(reg),
	}
}

func (s *Server) user(conn *gossh.ServerConn) string {
	switch {
	case s.options.MaxSessions <= 0:
		return ""
	case s.options.User != nil:
		return s.options.User(conn)
	default:
		return conn.User()
	}
}
