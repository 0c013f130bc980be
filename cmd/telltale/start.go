package main

import (
	"context"
	"io"
	"log/slog"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/telltale-agent/telltale/agent"
)

const startLong = `Run the agent until it is told to stop with SIGINT (Ctrl-C) or SIGTERM.

It needs something to do: an address to serve diagnostics on, or a collector to
push to.`

const startExample = `  # Serve /healthz, /readyz and /metrics.
  telltale start --diag-addr=127.0.0.1:3000

  # Watch etcd: /readyz says whether it works.
  telltale start --diag-addr=127.0.0.1:3000 \
    --component etcd=http://127.0.0.1:2379/health

  # Push the metrics to a collector, too.
  telltale start --diag-addr=127.0.0.1:3000 --otlp http://127.0.0.1:4318`

const startNotes = `Environment:
  OTEL_CONFIG_FILE               as --config
  OTEL_EXPORTER_OTLP_ENDPOINT    as --otlp, but adds /v1/metrics to a path;
                                 with _HEADERS, _PROTOCOL, _TIMEOUT,
                                 _COMPRESSION, _CERTIFICATE, _CLIENT_CERTIFICATE
                                 and _CLIENT_KEY for how to push; all of them
                                 also as OTEL_EXPORTER_OTLP_METRICS_...
  OTEL_METRIC_EXPORT_INTERVAL    as --push-interval, in milliseconds
  OTEL_SERVICE_NAME              as --service-name
  OTEL_RESOURCE_ATTRIBUTES       more about the process, as key=value,...
  OTEL_SDK_DISABLED              true: push nothing
  Flags win over the environment, the environment over the file.

Exit status:
  0  stopped by SIGINT or SIGTERM, which takes 5 s at most; a second signal,
     a second or more after the first, kills it at once
  1  could not start or run: address in use, bad file or environment
  2  wrong usage: a flag that is unknown or makes no sense, nothing to do`

func newStart(getenv func(string) string) *cobra.Command {
	var flags startFlags
	cmd := &cobra.Command{
		Use:     "start",
		Short:   "run the agent",
		Long:    startLong,
		Example: startExample,
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			config, err := flags.config(cmd.Flags(), getenv)
			if err != nil {
				return usageError{err}
			}
			return serve(cmd.Context(), config, getenv, cmd.ErrOrStderr())
		},
	}
	describe(cmd, startNotes, flags.define()...)
	return cmd
}

// oneSignal is how long the first signal stands for all that come. Some send it
// several times at once: timeout(1), for one, to the process and to its group.
const oneSignal = time.Second

// serve runs an agent until ctx ends or a signal comes. A signal that comes
// after the first one and oneSignal has its usual effect: it kills the process.
func serve(ctx context.Context, config agent.Config, getenv func(string) string, stderr io.Writer) error {
	// A log that nobody reads any more is no reason to die.
	signal.Ignore(syscall.SIGPIPE)
	defer signal.Reset(syscall.SIGPIPE)
	ctx, release := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer release()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(oneSignal, release) })()
	logger := newLogger(stderr, config.Debug)
	a, err := startAgent(ctx, config, agent.Standalone(), agent.WithGlobals(),
		agent.WithLogger(logger), agent.WithEnvironment(getenv))
	if ctx.Err() != nil && err != nil {
		return nil // told to stop before it stood
	}
	if err != nil {
		return err
	}
	<-ctx.Done()
	if err := a.Shutdown(context.WithoutCancel(ctx)); err != nil {
		warn(logger, "telltale did not stop cleanly", err)
	}
	return nil
}

// startAgent is agent.Start, but for a file that cannot be read to its end, such
// as one in a terminal or on a file system that is gone: no context ends that,
// only the process does.
func startAgent(ctx context.Context, config agent.Config, options ...agent.Option) (*agent.Agent, error) {
	type result struct {
		agent *agent.Agent
		err   error
	}
	started := make(chan result, 1)
	go func() {
		a, err := agent.Start(ctx, config, options...)
		started <- result{a, err}
	}()
	select {
	case r := <-started:
		return r.agent, r.err
	case <-ctx.Done():
	}
	select {
	case r := <-started:
		return r.agent, r.err
	case <-time.After(oneSignal):
		return nil, ctx.Err()
	}
}

// warn does not wait for a log that is stuck: the process is about to end.
func warn(logger *slog.Logger, message string, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		logger.Warn(message, "err", err)
	}()
	select {
	case <-done:
	case <-time.After(100 * time.Millisecond):
	}
}

// newLogger writes lines of key=value pairs, which are the same in a terminal,
// a file and a journal.
func newLogger(w io.Writer, debug bool) *slog.Logger {
	level := slog.LevelInfo
	if debug {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
}
