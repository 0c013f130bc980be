package prometheus

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	client "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/storage/remote"

	"github.com/telltale-agent/telltale/interop/internal/harness"
)

// otlpPath is where a Prometheus server takes OTLP.
const otlpPath = "/api/v1/otlp/v1/metrics"

// TestPushIntoPrometheus pushes to the server's own OTLP endpoint. The server appends units and _total by default; told
// not to, it stores what arrives by push under the same names as what it scrapes.
func TestPushIntoPrometheus(t *testing.T) {
	t.Parallel()
	s := startServer(t, "", "otlp: {translation_strategy: UnderscoreEscapingWithoutSuffixes}\n")
	telltale := harness.Start(t, "--otlp", s.serveOTLP(t)+otlpPath, "--push-interval", "1s", "--service-name", "pushed")
	for _, row := range harness.ReadDocumented(t) {
		names := map[string][]string{
			"histogram": {row.Name + "_bucket", row.Name + "_sum", row.Name + "_count"},
			"summary":   {row.Name, row.Name + "_sum", row.Name + "_count"},
			"counter":   {row.Name},
			"gauge":     {row.Name},
		}[row.Kind]
		for _, name := range names {
			harness.Await(t, name, func() error { return s.hasPushed(name, row.AtFirst()) })
		}
	}
	telltale.MustScrape(t)
	harness.Await(t, "a scrape to be known by push", func() error {
		vector, err := s.Query(`promhttp_metric_handler_requests_total{job="pushed", code="200"}`, time.Now())
		if err != nil || len(vector) != 1 || vector[0].F != telltale.Scrapes() {
			return fmt.Errorf("%v, %v; there were %v", vector, err, telltale.Scrapes())
		}
		return nil
	})
}

// hasPushed wants so many series of a name at least.
func (s server) hasPushed(name string, want int) error {
	vector, err := s.Query(name+`{job="pushed"}`, time.Now())
	if err != nil {
		return err
	}
	if len(vector) < want {
		return fmt.Errorf("%d series, want %d", len(vector), want)
	}
	return nil
}

// serveOTLP serves the OTLP endpoint of the server until the test ends.
func (s server) serveOTLP(t *testing.T) (url string) {
	t.Helper()
	handler := remote.NewOTLPWriteHandler(slog.New(slog.NewTextHandler(t.Output(), nil)), client.NewRegistry(), s.DB,
		func() config.Config { return *s.Config }, remote.OTLPOptions{LookbackDelta: 5 * time.Minute})
	mux := http.NewServeMux()
	mux.Handle(otlpPath, handler)
	endpoint := httptest.NewServer(mux)
	t.Cleanup(endpoint.Close)
	return endpoint.URL
}
