package collector

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/telltale-agent/telltale/interop/internal/harness"
	"github.com/telltale-agent/telltale/interop/internal/otlpserver"
)

// The places where a collector can be named.
const (
	inFile        = "file"
	inEnvironment = "environment"
	byFlag        = "flag"
)

// TestWhoIsPushedTo names a collector in the configuration file that comes with the product, one in the environment,
// and one by flag. Flags win over the environment, the environment over the file; whoever loses gets nothing at all.
func TestWhoIsPushedTo(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name   string
		places []string
		winner string
		env    []string
	}{
		{"file", []string{inFile}, inFile, nil},
		{"environment over file", []string{inFile, inEnvironment}, inEnvironment, nil},
		{"flag over both", []string{inFile, inEnvironment, byFlag}, byFlag, nil},
		{"disabled", []string{inFile, inEnvironment, byFlag}, "", []string{"OTEL_SDK_DISABLED=true"}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			collectors := map[string]*otlpserver.Collector{
				inFile:        otlpserver.Start(t, otlpserver.HTTP),
				inEnvironment: otlpserver.Start(t, otlpserver.GRPC),
				byFlag:        otlpserver.Start(t, otlpserver.HTTP),
			}
			env, args := naming(t, collectors, row.places)
			telltale := harness.StartWithEnv(t, append(env, row.env...), args...)
			if row.winner != "" {
				collectors[row.winner].AwaitPushes(t, 3)
			}
			telltale.Stop(t) // whoever is pushed to at all has been by then
			for place, c := range collectors {
				if got := len(c.Pushes()); place != row.winner && got > 0 {
					t.Errorf("%d pushes to the collector named by %s, want none", got, place)
				}
			}
			if row.winner == inFile {
				checkService(t, collectors[inFile].Pushes()[0], "from-file")
			}
		})
	}
}

// naming names collectors in the places given.
func naming(t *testing.T, collectors map[string]*otlpserver.Collector, places []string) (env, args []string) {
	t.Helper()
	root, err := harness.Root()
	if err != nil {
		t.Fatal(err)
	}
	if slices.Contains(places, inFile) {
		args = append(args, "--config", filepath.Join(root, "otel-config.yaml"))
		env = append(env, "COLLECTOR_URL="+collectors[inFile].URL()+"/v1/metrics", "PUSH_INTERVAL_MS=300", "SERVICE_NAME=from-file")
	}
	if slices.Contains(places, inEnvironment) {
		env = append(env, "OTEL_EXPORTER_OTLP_ENDPOINT=http://"+collectors[inEnvironment].Addr,
			"OTEL_EXPORTER_OTLP_PROTOCOL=grpc", "OTEL_METRIC_EXPORT_INTERVAL=300")
	}
	if slices.Contains(places, byFlag) {
		args = append(args, "--otlp", collectors[byFlag].URL(), "--push-interval", pushInterval)
	}
	return env, args
}
