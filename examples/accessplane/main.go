// The command accessplane is a small access plane, and the example of a program
// that Telltale is embedded in: an auth service with a certificate authority, a
// proxy that users log in to over SSH, and services behind reverse tunnels. It
// needs nothing: etcd, Cloud Storage and Firestore run inside of it.
//
//	go run .            # until interrupted
//	go run . -drive     # with some traffic
//	go run . -otlp http://127.0.0.1:4318
//
// Where to look:
//
//   - plane.go starts everything; the agent comes first, and all that the rest
//     needs of it is its registry.
//   - etcd.go, cache.go: a store in etcd behind a cache (packages etcd, kv, cache).
//   - auditlog.go, recordings.go: files, a disk that is watched, Firestore and
//     Cloud Storage (packages audit, firestore, gcs).
//   - authority.go: certificates, a few at a time (package auth).
//   - proxy.go, node.go: SSH servers and reverse tunnels (packages ssh, tunnel).
//   - service.go: the other end of the tunnels, heartbeats (packages tunnel,
//     inventory).
//   - accessplane_test.go: what each documented metric says after known traffic.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/telltale-agent/telltale/agent"
	"github.com/telltale-agent/telltale/exporters"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "accessplane:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	flags := flag.NewFlagSet("accessplane", flag.ContinueOnError)
	flags.SetOutput(stderr)
	addr := flags.String("diag-addr", "127.0.0.1:3000", "`host:port` of /metrics, /readyz and /healthz")
	collector := flags.String("otlp", "", "`URL` of a collector to push to")
	traffic := flags.Bool("drive", false, "drive a little traffic")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return err
	}
	dir, err := os.MkdirTemp("", "accessplane")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	config := Config{
		Agent:  agent.Config{DiagAddr: *addr, ServiceName: "accessplane"},
		Dir:    dir,
		Logger: slog.New(slog.NewTextHandler(stderr, nil)),
	}
	if *collector != "" {
		config.Agent.OTLP = []exporters.Target{{URL: *collector}}
	}
	plane, err := Start(ctx, config)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		err = errors.Join(err, plane.Stop(ctx))
	}()
	plane.Describe(stdout)
	if *traffic {
		if err := drive(ctx, plane); err != nil {
			return fmt.Errorf("drive: %w", err)
		}
		fmt.Fprintln(stdout, "traffic    driven: alice was on node-1 and left again")
	}
	<-ctx.Done()
	return nil
}

// wayIn is what a user called alice has to do. A test does it.
const wayIn = `  api=http://%s/v1
  curl -sX PUT -d 'a user' $api/resources/users/alice
  ssh-keygen -q -t ed25519 -N '' -f key
  curl -s --data-binary @key.pub $api/certificates/alice > key-cert.pub
  curl -s $api/ssh_config/alice > config; curl -s $api/known_hosts > known_hosts
  ssh -F config node-1
`

// Describe prints where everything is.
func (p *Plane) Describe(w io.Writer) {
	fmt.Fprintf(w, "metrics    http://%s/metrics\n", p.agent.Addr())
	fmt.Fprintf(w, "readiness  http://%s/readyz?verbose\n", p.agent.Addr())
	fmt.Fprintf(w, "auth       http://%s/v1/resources/users\n", p.apiAddr)
	fmt.Fprintf(w, "proxy      ssh to %s, and from there to node-1\n", p.proxy.users.Addr())
	fmt.Fprintf(w, "tunnels    %s\n", p.proxy.agents.Addr())
	fmt.Fprintf(w, "to get in, with OpenSSH, in an empty directory (Ctrl-D leaves):\n"+wayIn, p.apiAddr)
}
