// Package exporters holds the exits of the agent's metrics: the Prometheus
// bridge, which answers scrapes, and the OTLP push.
//
// Each exporter owns one reader of the OpenTelemetry SDK. The agent makes the
// exporters first, then a MeterProvider with their readers, then the registry
// of package instruments in that provider, and attaches the registry to each
// exporter:
//
//	scrapes, err := exporters.NewPrometheus(exporters.PrometheusOptions{})
//	provider := metric.NewMeterProvider(metric.WithReader(scrapes.Reader()))
//	registry, err := instruments.New(provider)
//	scrapes.Attach(registry)
//	mux.Handle("/metrics", scrapes.Handler())
//
// [Prometheus] shows every declared metric under exactly its name. One
// collection serves all scrapes that waited for it, none of which arrived after
// it began; a series that cannot be shown is left out and counted; a scrape ends
// by its deadline, whatever the callbacks do.
//
// [Push] sends the same metrics to one collector over HTTP or gRPC. Each
// collector has an exporter of its own, so that one that refuses or hangs slows
// nothing else. [TargetsFromEnv] reads the collectors from the OTEL_ variables.
package exporters
