package exporters

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// BenchmarkScrape scrapes that many series of one labelled counter, and the
// metrics that are always there; beside it client_golang with as many. Numbers
// of two sizes show the cost of a series.
func BenchmarkScrape(b *testing.B) {
	for _, series := range []int{1000, 10000} {
		ours := newSeriesBridge(b, series)
		plain := prometheus.NewRegistry()
		counters := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "requests_total", Help: "Requests."}, []string{"method", "path"})
		plain.MustRegister(counters)
		for n := range series {
			counters.WithLabelValues("get", "/items/"+strconv.Itoa(n)).Inc()
		}
		for _, row := range []struct {
			name     string
			handler  http.Handler
			accept   string
			encoding string
		}{
			{"text", ours.Handler(), "*/*", ""},
			{"gzip", ours.Handler(), "*/*", "gzip"},
			{"protobuf", ours.Handler(), acceptHeaders[3].accept, ""},
			{"client_golang", promhttp.HandlerFor(plain, promhttp.HandlerOpts{}), "*/*", ""},
			{"client_golang gzip", promhttp.HandlerFor(plain, promhttp.HandlerOpts{}), "*/*", "gzip"},
		} {
			b.Run(strconv.Itoa(series)+"/"+row.name, func(b *testing.B) {
				r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
				r.Header.Set("Accept", row.accept)
				r.Header.Set("Accept-Encoding", row.encoding)
				w := discardResponse{http.Header{}}
				b.ReportAllocs()
				for b.Loop() {
					row.handler.ServeHTTP(w, r)
				}
			})
		}
	}
}

func newSeriesBridge(b *testing.B, series int) *bridge {
	br := newBridgeOf(b, PrometheusOptions{}, series+10)
	for n := range series {
		scrapedCounterBy.In(br.registry).Add(1, scrapedLabels{"get", "/items/" + strconv.Itoa(n)})
	}
	return br
}
