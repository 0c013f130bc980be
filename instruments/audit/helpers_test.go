package audit

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
)

func events(all, failed float64) map[string]float64 {
	return map[string]float64{"teleport_audit_emit_events": all, "audit_failed_emit_events": failed}
}

func disk(used, failed float64) map[string]float64 {
	return map[string]float64{"audit_percentage_disk_space_used": used, "audit_failed_disk_monitoring": failed}
}

func openFiles(n float64) map[string]float64 {
	return map[string]float64{"audit_server_open_files": n}
}

// lines is a log that can be read while it is written.
type lines struct {
	mu  sync.Mutex // guards buf
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == "dir" {
			return slog.Attr{}
		}
		return a
	}}))
}

// take returns the lines since the last call.
func (l *lines) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.buf.Reset()
	return strings.TrimSpace(l.buf.String())
}
