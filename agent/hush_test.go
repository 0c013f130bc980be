package agent

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/go-logr/logr"
)

// TestOpenTelemetrysOwnLog: what OpenTelemetry says about itself is there for
// debugging, without the environment's secrets and without whole collections.
func TestOpenTelemetrysOwnLog(t *testing.T) {
	for _, row := range []struct {
		name string
		log  func(logr.Logger)
		want string // in one line, "" for no line
	}{
		{"error", func(l logr.Logger) {
			l.Error(errors.New(`parse "http://u:s3cret@h:x": invalid port`), "parse url", "input", "http://u:s3cret@h:x")
		}, `level=DEBUG msg="parse url"`},
		{"warning", func(l logr.Logger) { l.V(1).Info("invalid meter name", "name", "x") }, `level=DEBUG msg="invalid meter name" name=x`},
		{"information", func(l logr.Logger) { l.V(4).Info("meter created", "Name", "x") }, `level=DEBUG msg="meter created" Name=x`},
		{"collection", func(l logr.Logger) { l.V(8).Info("collection", "Data", strings.Repeat("x", 1<<16)) }, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo} {
				var out bytes.Buffer
				row.log(internalLog(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: level})))
				want := row.want
				if level > slog.LevelDebug {
					want = ""
				}
				got := out.String()
				if want == "" && got != "" || !strings.HasSuffix(got, want+"\n") && want != "" || strings.Contains(got, "s3cret") {
					t.Errorf("at level %s: got %q, want %q", level, got, want)
				}
			}
		})
	}
}
