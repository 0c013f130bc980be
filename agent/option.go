package agent

import (
	"log/slog"
	"os"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
)

// Option is what only a program can decide about an agent.
type Option func(*settings)

// settings are the options together.
type settings struct {
	logger     *slog.Logger // never blocks for long
	log        *logQueue    // of logger
	getenv     func(string) string
	readers    []sdkmetric.Reader
	globals    bool
	standalone bool

	stepDone func() error // called after each step of a start; tests make it fail
}

func newSettings(options []Option) settings {
	s := settings{logger: slog.Default(), getenv: os.Getenv, stepDone: func() error { return nil }}
	for _, option := range options {
		if option != nil {
			option(&s)
		}
	}
	handler := newPatientHandler(s.logger.Handler())
	s.logger, s.log = slog.New(handler), handler.queue
	return s
}

// WithLogger sets where the agent logs. Without it, or with nil, that is
// slog.Default() at the time of Start. A handler that blocks does not stop the
// agent: records then wait for it, a thousand at most.
func WithLogger(logger *slog.Logger) Option {
	return func(s *settings) {
		if logger != nil {
			s.logger = logger
		}
	}
}

// WithEnvironment sets where the OTEL_* variables are looked up; a function
// that always returns "" makes the agent ignore them. Without it, or with nil,
// that is the environment of the process.
func WithEnvironment(getenv func(string) string) Option {
	return func(s *settings) {
		if getenv != nil {
			s.getenv = getenv
		}
	}
}

// WithReader adds a reader of the embedder's own to the meter provider, for
// instance a sdkmetric.ManualReader in a test. The agent shuts it down. Without
// it there are the readers of /metrics and of the collectors only.
func WithReader(reader sdkmetric.Reader) Option {
	return func(s *settings) {
		if reader != nil {
			s.readers = append(s.readers, reader)
		}
	}
}

// WithGlobals makes the agent the OpenTelemetry SDK of the process: its meter
// provider becomes the global one, and errors that OpenTelemetry reports
// globally go to its log. Shutdown puts back what was there. Without it the
// agent touches nothing global, and several agents do not meet.
func WithGlobals() Option {
	return func(s *settings) { s.globals = true }
}

// Standalone makes Start behave as the command does: it is an error to have
// nothing to do, and an agent that watches nothing declares a component "agent"
// that is its own loop. With [WithGlobals], OpenTelemetry's internal log goes to
// that of the agent, for debugging, and stays there. Without it, all this is
// left to the embedder.
func Standalone() Option {
	return func(s *settings) { s.standalone = true }
}
