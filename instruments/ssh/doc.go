// Package ssh makes the metrics of an SSH server move that is built on
// golang.org/x/crypto/ssh. [New] resolves the metrics of one registry; the
// [Server] it returns stands in for two calls of such a program:
//
//	measured := ssh.New(registry, ssh.Options{MaxSessions: 10})
//	listener := measured.Listener(tcp, 1000)               // instead of tcp
//	conn, channels, requests, err := measured.Handshake(c, config) // instead of ssh.NewServerConn(c, config)
//
// Results, errors and the behaviour of config are those of x/crypto; config is
// copied, never changed. With a nil registry nothing is recorded, and the
// limits hold all the same.
//
// # What each metric means here
//
// A login is one handshake, however many keys and passwords it tries.
//
//   - user_login_total: handshakes that ended with the user let in.
//   - failed_login_attempts_total: handshakes that ended otherwise after the
//     client had tried to authenticate: it was refused, gave up, or left in the
//     middle. The first request of nearly every client is the method "none",
//     by which it asks what is on offer; as for OpenSSH, that is no attempt,
//     unless NoClientAuthCallback judged it. What never gets as far, such as
//     a port scanner or a fetch of the host keys, is none either.
//   - certificate_mismatch_total: failed logins, counted there before, in which
//     the server refused a certificate: for its dates, its principals, its
//     authority, an option, a revocation, or whatever else PublicKeyCallback,
//     VerifiedPublicKeyCallback or the option source-address held against it.
//     A refused certificate does not count when another key let the user in.
//   - rx, tx: bytes read from and written to the connection, with all that SSH
//     adds to the data, counted as they pass.
//   - server_interactive_sessions_total: session channels that asked for a
//     terminal or a shell and have not ended, be it by either side's close or
//     by the end of the connection. Commands without a terminal and subsystems
//     such as sftp are not interactive. x/crypto lets nobody see how a request
//     is answered, so that a session counts from the request on; a server that
//     says no, and keeps the channel, says it with [Refuse].
//   - user_max_concurrent_sessions_hit_total: session channels refused because
//     of Options.MaxSessions, before the program sees them.
//   - proxy_connection_limit_exceeded_total: connections that the listener
//     closed at once because as many as allowed were open.
//
// Everything is safe for concurrent use. Each connection costs one goroutine
// and each session one more; they end with it.
package ssh
