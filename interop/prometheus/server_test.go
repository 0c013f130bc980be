package prometheus

import (
	"testing"

	"github.com/telltale-agent/telltale/interop/internal/promserver"
)

// server is a Prometheus server with the checks of these tests.
type server struct{ *promserver.Server }

func startServer(t *testing.T, target, text string) server {
	t.Helper()
	return server{promserver.Start(t, target, text)}
}
