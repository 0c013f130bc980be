package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/metric"

	"github.com/telltale-agent/telltale/agent/internal/diag"
	"github.com/telltale-agent/telltale/exporters"
	"github.com/telltale-agent/telltale/health"
	"github.com/telltale-agent/telltale/instruments"
)

// Agent is a running agent. All methods are safe for concurrent use, also after
// Shutdown.
type Agent struct {
	plan     *plan
	health   *health.Tracker
	pipeline *pipeline
	metrics  *deferredHandler
	profiles atomic.Pointer[instruments.CounterCells[instruments.Profile]]
	handler  http.Handler
	server   *diag.Server // nil without a diagnostics address

	abandoned atomic.Bool // the start failed

	restoreGlobals func()
	stopWatching   context.CancelFunc
	watching       sync.WaitGroup

	shutdown     sync.Once
	shutdownDone chan struct{} // closed when the first Shutdown has come to its end
	shutdownErr  error         // written before shutdownDone is closed
}

// Start makes an agent run. It returns when the diagnostics address, if there
// is one, is bound and served; ctx bounds the start only. The error lists every
// fault of the configuration, one a line; nothing is left behind then.
func Start(ctx context.Context, config Config, options ...Option) (*Agent, error) {
	a, err := start(ctx, config, options)
	if err != nil {
		return nil, fmt.Errorf("agent: %w", err)
	}
	return a, nil
}

func start(ctx context.Context, config Config, options []Option) (*Agent, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p, err := newPlan(config, options)
	if err != nil {
		return nil, err
	}
	if p.globals && p.standalone {
		hushOpenTelemetry(p.logger.Handler())
	}
	a := &Agent{
		plan:           p,
		metrics:        &deferredHandler{},
		shutdownDone:   make(chan struct{}),
		stopWatching:   func() {},
		restoreGlobals: func() {},
	}
	a.health = health.New(health.WithInterval(p.Heartbeat),
		health.WithLogger(slog.New(muteHandler{p.logger.Handler(), &a.abandoned})))
	a.handler = a.routes()
	// Probes are answered from the second step on, before anything that takes time.
	for _, step := range []func(context.Context) error{a.declareComponents, a.listen, a.openPipeline, a.watch} {
		if err := errors.Join(step(ctx), p.stepDone()); err != nil {
			return nil, errors.Join(err, a.abandon())
		}
	}
	if p.globals {
		a.restoreGlobals = setGlobals(a.MeterProvider(), p.logger)
	}
	a.logStart()
	return a, nil
}

// openPipeline makes the metrics and their exits.
func (a *Agent) openPipeline(context.Context) (err error) {
	if a.pipeline, err = newPipeline(a.plan, a.health); err != nil {
		return err
	}
	a.profiles.Store(instruments.Profiles.In(a.pipeline.registry))
	a.metrics.use(a.pipeline.prometheus.Handler())
	return nil
}

// logStart tells what the agent does, in one line.
func (a *Agent) logStart() {
	attributes := []any{"version", a.plan.Build.Version}
	if a.server != nil {
		attributes = append(attributes, "addr", a.Addr(), "debug", a.plan.Debug)
	}
	switch {
	case a.plan.disabled:
		attributes = append(attributes, "push", "disabled by OTEL_SDK_DISABLED")
	case len(a.plan.targets) > 0:
		attributes = append(attributes, "push", strings.Join(exporters.PushNames(a.plan.targets), ","))
	}
	a.plan.logger.Info("telltale started", attributes...)
}

// abandon takes back what a Start that failed has done.
func (a *Agent) abandon() error {
	a.abandoned.Store(true)
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // whoever is asking already gets no answer, and nothing is pushed
	a.stopWatching()
	if a.server != nil {
		_ = a.server.Shutdown(ctx)
	}
	var errs []error
	if a.pipeline != nil {
		errs = append(errs, a.pipeline.close(ctx))
	}
	errs = append(errs, a.plan.closeChecks(), a.awaitWatching(context.Background()))
	a.health.Close()
	return errors.Join(errs...)
}

// declareComponents declares what must report before the process is ready.
func (a *Agent) declareComponents(context.Context) error {
	var errs []error
	for _, name := range a.plan.Components {
		_, err := a.health.Declare(name)
		errs = append(errs, err)
	}
	for _, c := range a.plan.checks {
		_, err := a.health.Declare(c.name)
		errs = append(errs, err)
	}
	if a.plan.standalone && len(a.plan.Components)+len(a.plan.checks) == 0 {
		_, err := a.health.Declare(selfComponent)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Addr is the host:port that the endpoints are served on, with the port that
// was picked where the configuration said 0. It is empty without an address.
func (a *Agent) Addr() string {
	if a.server == nil {
		return ""
	}
	return a.server.Addr().String()
}

// Handler serves the same endpoints as the diagnostics address, to be mounted at
// the root of a server of the embedder's own. It leaves it to that server to
// decide who may ask.
func (a *Agent) Handler() http.Handler { return a.handler }

// Health is where components report. It is never nil.
func (a *Agent) Health() *health.Tracker { return a.health }

// Instruments is the live registry, to get the handles of declared metrics
// from. It is never nil.
func (a *Agent) Instruments() *instruments.Registry { return a.pipeline.registry }

// MeterProvider is for OpenTelemetry instruments of the embedder's own, and of
// libraries that take a meter provider. They come out beside the declared
// metrics; whatever they do costs only themselves. It is never nil.
func (a *Agent) MeterProvider() metric.MeterProvider { return a.pipeline.registry.MeterProvider() }
