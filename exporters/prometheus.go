package exporters

import (
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/otlptranslator"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"

	"github.com/telltale-agent/telltale/instruments"
)

// PrometheusOptions says what a scrape shows beyond the metrics. The zero value
// shows each metric under its exact name and labels, and nothing else.
type PrometheusOptions struct {
	// ScopeInfo adds the labels otel_scope_name, otel_scope_version and
	// otel_scope_schema_url to every series, empty ones included. Series change
	// their identity with each version of their scope.
	ScopeInfo bool

	// TargetInfo adds the gauge target_info with the attributes of the resource.
	TargetInfo bool

	// Logger is told when trouble with scrapes begins and ends. Nil means
	// slog.Default().
	Logger *slog.Logger
}

// Prometheus serves the metrics of one MeterProvider to scrapes. All methods
// are safe for concurrent use.
type Prometheus struct {
	reader    metric.Reader
	collector *collector
	gatherer  *gatherer
	slots     chan struct{} // holds a token for each answer being encoded or sent
	late      *spells       // scrapes that end by their deadline
}

// NewPrometheus makes an exporter that shows nothing yet: it needs its reader
// in a MeterProvider, and a registry.
func NewPrometheus(options PrometheusOptions) (*Prometheus, error) {
	logger := options.Logger
	if logger == nil {
		logger = slog.Default()
	}
	logger = logger.With("component", "prometheus")

	// A registry of its own, never the process's default: whatever the host
	// registers there could clash with a documented metric.
	registry := prometheus.NewRegistry()
	exporter, err := otelprometheus.New(bridgeOptions(options, registry)...)
	if err != nil {
		return nil, fmt.Errorf("create the Prometheus exporter: %w", err)
	}
	summaries := &summaryCollector{scopeInfo: options.ScopeInfo}
	if err := registry.Register(summaries); err != nil {
		return nil, fmt.Errorf("register the collector of summaries: %w", err)
	}
	c := &collector{
		registry:  registry,
		summaries: summaries,
		zeros:     zeroFiller{scopeInfo: options.ScopeInfo},
		trouble:   newSpells(logger, "scrape leaves series out", "scrape shows all series again"),
		failure:   newSpells(logger, "metrics cannot be collected", "metrics can be collected again"),
	}
	return &Prometheus{
		reader:    exporter,
		collector: c,
		gatherer:  newGatherer(c.collect),
		slots:     make(chan struct{}, maxAnswers),
		late:      newSpells(logger, "scrapes end by their deadline", "scrapes end in time again"),
	}, nil
}

// bridgeOptions keep every declared name as it is: suffixes would rename a
// fifth of the documented metrics.
func bridgeOptions(options PrometheusOptions, registry *prometheus.Registry) []otelprometheus.Option {
	bridge := []otelprometheus.Option{
		otelprometheus.WithRegisterer(registry),
		otelprometheus.WithTranslationStrategy(otlptranslator.UnderscoreEscapingWithoutSuffixes),
	}
	if !options.ScopeInfo {
		bridge = append(bridge, otelprometheus.WithoutScopeInfo())
	}
	if !options.TargetInfo {
		bridge = append(bridge, otelprometheus.WithoutTargetInfo())
	}
	return bridge
}

// Reader returns the reader to make the MeterProvider with. It belongs to one
// provider only.
func (p *Prometheus) Reader() metric.Reader { return p.reader }

// Attach gives the exporter the registry that was made in the MeterProvider of
// its reader. Scrapes before that are answered with 503. Only the first call
// counts.
func (p *Prometheus) Attach(registry *instruments.Registry) {
	if registry == nil {
		return
	}
	p.collector.attached.CompareAndSwap(nil, newScrapeMetrics(registry))
}

// Handler returns the handler of /metrics. It answers GET and HEAD, and any
// other method with 405.
//
// A scrape may take as long as its header X-Prometheus-Scrape-Timeout-Seconds
// says, 10 s without one; it is answered a little earlier, with 503 if the
// metrics could not be collected by then. At most 40 answers are sent at once;
// further scrapes wait for their turn, and are answered with 503 and Retry-After
// if it does not come in time. After Stop every scrape is answered with 503.
func (p *Prometheus) Handler() http.Handler { return http.HandlerFunc(p.serve) }

// stopPatience is how long Stop waits for a collection that is running.
const stopPatience = time.Second

// Stop answers the scrapes that wait, and all later ones, with 503. It returns
// when no collection runs any more, or after a second if one hangs. The reader
// is shut down by its MeterProvider, which should come after Stop. Calling it
// again does nothing more.
func (p *Prometheus) Stop() {
	select {
	case <-p.gatherer.stop():
	case <-time.After(stopPatience):
	}
}
