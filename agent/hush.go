package agent

import (
	"context"
	"log/slog"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel"
)

// hushOpenTelemetry sends OpenTelemetry's internal log, which otherwise goes to
// standard error in a format of its own, to handler at the level of debugging.
// It complains about variables of the environment that its exporters read on
// their own, and that Telltale has checked and does not leave to them. There is
// no way to put back what was there: only a process that is the agent's may do
// this.
func hushOpenTelemetry(handler slog.Handler) { otel.SetLogger(internalLog(handler)) }

func internalLog(handler slog.Handler) logr.Logger { return logr.FromSlogHandler(debugOnly{handler}) }

// wholesale is the level, V(8) in terms of logr, at which OpenTelemetry logs each
// collection with all its values. That is a line of a hundred kilobytes, and the
// SDK may use the values again before they are written.
const wholesale = slog.Level(-8)

// debugOnly makes every record one for debugging, except for those that carry
// whole collections.
type debugOnly struct{ slog.Handler }

// Enabled reports whether records for debugging are.
func (h debugOnly) Enabled(ctx context.Context, level slog.Level) bool {
	return level > wholesale && h.Handler.Enabled(ctx, slog.LevelDebug)
}

// Handle implements slog.Handler. Of an error it passes on the message only: the
// rest repeats what stands in the environment, headers and passwords included.
// For errors nobody asks whether they are enabled.
func (h debugOnly) Handle(ctx context.Context, r slog.Record) error {
	if !h.Enabled(ctx, r.Level) {
		return nil
	}
	if r.Level >= slog.LevelError {
		r = slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	}
	r.Level = slog.LevelDebug
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h debugOnly) WithAttrs(attrs []slog.Attr) slog.Handler {
	return debugOnly{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h debugOnly) WithGroup(name string) slog.Handler { return debugOnly{h.Handler.WithGroup(name)} }
