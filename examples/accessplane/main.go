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
	if err := run(context.Background(), os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "accessplane:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("accessplane", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // what is wrong is in the error
	addr := flags.String("diag-addr", "127.0.0.1:3000", "`host:port` of /metrics, /readyz and /healthz")
	collector := flags.String("otlp", "", "`URL` of a collector to push to")
	traffic := flags.Bool("drive", false, "drive a little traffic")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		flags.SetOutput(stdout)
		flags.Usage()
		return nil
	case err != nil:
		return fmt.Errorf("%w; -h tells the flags", err)
	case flags.NArg() > 0:
		return fmt.Errorf("argument %q is not known; -h tells the flags", flags.Arg(0))
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
	return runPlane(ctx, config, *traffic, stdout)
}

// oneSignal is how long the first signal stands for all that come: some send it
// to the process and to its group. After that one more kills the process.
const oneSignal = time.Second

// runPlane runs a plane until it is told to stop, be it before everything runs.
func runPlane(ctx context.Context, config Config, traffic bool, stdout io.Writer) error {
	ctx, release := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer release()
	plane, err := Start(ctx, config)
	if err != nil {
		return unlessTold(ctx, err)
	}
	defer func() {
		defer time.AfterFunc(oneSignal, release).Stop()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		if err := plane.Stop(ctx); err != nil {
			config.Logger.Warn("the plane did not stop cleanly", "err", err)
		}
	}()
	plane.Describe(stdout)
	if traffic {
		if err := drive(ctx, plane); err != nil {
			return unlessTold(ctx, fmt.Errorf("drive: %w", err))
		}
		fmt.Fprintln(stdout, "traffic    driven: alice was on node-1 and left again")
	}
	fmt.Fprintln(stdout, "Ctrl-C ends everything")
	<-ctx.Done()
	return nil
}

// unlessTold leaves out an error that is there because the program was told to
// stop in the middle.
func unlessTold(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
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
