package agent

import (
	"log/slog"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
)

// setGlobals makes provider the global one and sends OpenTelemetry's own errors
// to the log. The returned function puts back what was there, unless somebody
// else has replaced it meanwhile.
func setGlobals(provider metric.MeterProvider, logger *slog.Logger) (restore func()) {
	previousProvider, previousHandler := otel.GetMeterProvider(), otel.GetErrorHandler()
	otel.SetMeterProvider(provider)
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		logger.Warn("opentelemetry reports an error", "err", err)
	}))
	return func() {
		if otel.GetMeterProvider() == provider {
			otel.SetMeterProvider(previousProvider)
		}
		otel.SetErrorHandler(previousHandler)
	}
}
