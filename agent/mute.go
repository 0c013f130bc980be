package agent

import (
	"context"
	"log/slog"
	"sync/atomic"
)

// muteHandler passes log records on until it is silent: a start that fails says
// why in its error, and nothing of it belongs into the log.
type muteHandler struct {
	slog.Handler
	silent *atomic.Bool
}

// Enabled reports whether a record of that level is passed on.
func (h muteHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return !h.silent.Load() && h.Handler.Enabled(ctx, level)
}

// WithAttrs returns a handler that falls silent with h.
func (h muteHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return muteHandler{h.Handler.WithAttrs(attrs), h.silent}
}

// WithGroup returns a handler that falls silent with h.
func (h muteHandler) WithGroup(name string) slog.Handler {
	return muteHandler{h.Handler.WithGroup(name), h.silent}
}
