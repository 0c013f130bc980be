package agent

import (
	"log"
	"log/slog"
	"sync/atomic"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
)

// setGlobals makes provider the global one and sends OpenTelemetry's own errors
// to the log. The returned function puts back what was there, unless somebody
// else has replaced it meanwhile.
func setGlobals(provider metric.MeterProvider, logger *slog.Logger) (restore func()) {
	previousProvider, previousHandler := otel.GetMeterProvider(), otel.GetErrorHandler()
	handler := &globalErrors{logger: logger}
	otel.SetMeterProvider(provider)
	otel.SetErrorHandler(handler)
	return func() {
		handler.restored.Store(true)
		if otel.GetMeterProvider() == provider {
			otel.SetMeterProvider(previousProvider)
		}
		if otel.GetErrorHandler() == handler {
			otel.SetErrorHandler(previousHandler)
		}
	}
}

// globalErrors logs what OpenTelemetry reports as long as its agent runs. It is
// asked afterwards too: the handler that OpenTelemetry begins with passes
// everything on to the first one that was ever set, also when it has been put
// back, and an agent that was started later puts back the one it found. It then
// does what OpenTelemetry does where nobody has set a handler.
type globalErrors struct {
	logger   *slog.Logger
	restored atomic.Bool
}

// Handle implements otel.ErrorHandler.
func (h *globalErrors) Handle(err error) {
	if h.restored.Load() {
		log.Print(err)
		return
	}
	h.logger.Warn("opentelemetry reports an error", "err", err)
}
