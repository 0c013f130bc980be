package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"

	gossh "golang.org/x/crypto/ssh"

	"github.com/telltale-agent/telltale/instruments"
	"github.com/telltale-agent/telltale/instruments/ssh"
)

// node is an SSH server for users, behind a reverse tunnel.
type node struct {
	id      string
	config  *gossh.ServerConfig
	measure *ssh.Server
	audit   *auditLog
	logger  *slog.Logger
	open    sync.WaitGroup
}

// newNode makes a node that lets in who has a certificate of the authority, and
// gives each user at most maxSessions at a time.
func newNode(id string, maxSessions int, reg *instruments.Registry, authority *authority, audit *auditLog, logger *slog.Logger) (*node, error) {
	host, err := authority.HostKey(id)
	if err != nil {
		return nil, err
	}
	n := &node{
		id:      id,
		config:  &gossh.ServerConfig{PublicKeyCallback: authority.Users().Authenticate},
		measure: ssh.New(reg, ssh.Options{MaxSessions: maxSessions}),
		audit:   audit,
		logger:  logger.With("node", id),
	}
	n.config.AddHostKey(host)
	return n, nil
}

// Serve takes connections until the listener, which is the far end of a tunnel,
// is closed, and returns when all of them have ended.
func (n *node) Serve(ctx context.Context, listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			break
		}
		n.open.Go(func() { n.serve(ctx, conn) })
	}
	n.open.Wait()
}

func (n *node) serve(ctx context.Context, conn net.Conn) {
	defer conn.Close()
	server, channels, requests, err := n.measure.Handshake(conn, n.config) // in place of gossh.NewServerConn
	if err != nil {
		_ = n.audit.Emit(ctx, auditEvent{Type: eventLoginFailed, Node: n.id, Detail: err.Error()}) // counted if it is lost
		return
	}
	go gossh.DiscardRequests(requests)
	var sessions sync.WaitGroup
	for channel := range channels { // those within the limit of sessions
		if channel.ChannelType() != "session" {
			_ = channel.Reject(gossh.UnknownChannelType, "only sessions")
			continue
		}
		sessions.Go(func() { n.session(ctx, server.User(), channel) })
	}
	sessions.Wait()
}

// session is one shell or command of a user. It is recorded in a file of the
// audit log, which goes to Cloud Storage at the end.
func (n *node) session(ctx context.Context, user string, offered gossh.NewChannel) {
	channel, requests, err := offered.Accept()
	if err != nil {
		return
	}
	defer channel.Close()
	begin := make(chan wish, 1)
	go n.answer(channel, requests, begin)
	wanted, ok := <-begin
	if !ok {
		return
	}
	recording, err := n.audit.Record(ctx, user, n.id)
	if err != nil {
		n.logger.Error("session is not recorded and not served", "err", err)
		fmt.Fprintln(channel.Stderr(), "the session cannot be recorded")
		exit(channel, 1)
		return
	}
	serve(wanted, channel, io.MultiWriter(channel, recording))
	if err := recording.Finish(context.WithoutCancel(ctx)); err != nil {
		n.logger.Error("recording is kept on this host", "err", err)
	}
	exit(channel, 0)
}

// wish is what a session is for.
type wish struct {
	command  string // empty for a shell
	terminal bool
}

// answer grants a terminal, and one shell or command, which it sends to begin.
func (n *node) answer(channel gossh.Channel, requests <-chan *gossh.Request, begin chan<- wish) {
	defer close(begin)
	var wanted wish
	started := false
	for request := range requests {
		var command struct{ Line string }
		switch {
		case request.Type == "pty-req" && !started:
			wanted.terminal = true
			_ = request.Reply(true, nil)
		case request.Type == "shell" && !started,
			request.Type == "exec" && !started && gossh.Unmarshal(request.Payload, &command) == nil:
			started = true
			_ = request.Reply(true, nil)
			wanted.command = command.Line
			begin <- wanted
		default:
			// Request.Reply would do, but for a shell that is refused, which
			// must not go on counting as an interactive session.
			_ = ssh.Refuse(channel, request)
		}
	}
}

// serve is a shell of one command, echo, that ends with its input.
func serve(wanted wish, in io.Reader, out io.Writer) {
	switch {
	case wanted.command != "":
		fmt.Fprintln(out, wanted.command)
	case wanted.terminal:
		echoKeys(in, out)
	default:
		_, _ = io.Copy(out, in)
	}
}

// echoKeys takes what a terminal sends: keys, of which Ctrl-C and Ctrl-D end
// the session.
func echoKeys(in io.Reader, out io.Writer) {
	const ctrlC, ctrlD = 3, 4
	keys := make([]byte, 1)
	for {
		if _, err := io.ReadFull(in, keys); err != nil || keys[0] == ctrlC || keys[0] == ctrlD {
			return
		}
		if keys[0] == '\r' {
			keys = []byte("\r\n")
		}
		if _, err := out.Write(keys); err != nil {
			return
		}
		keys = keys[:1]
	}
}

func exit(channel gossh.Channel, status uint32) {
	_, err := channel.SendRequest("exit-status", false, gossh.Marshal(struct{ Status uint32 }{status}))
	if err != nil && !errors.Is(err, io.EOF) {
		return // the connection is gone
	}
}
