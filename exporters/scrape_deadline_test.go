package exporters

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/telltale-agent/telltale/instruments"
)

// deadlineRecorder notes the deadlines that are set for writing.
type deadlineRecorder struct {
	*httptest.ResponseRecorder
	deadlines []time.Time
}

func (r *deadlineRecorder) SetWriteDeadline(t time.Time) error {
	r.deadlines = append(r.deadlines, t)
	return nil
}

// The deadline of a scrape ends with it: the next request on the connection,
// which may be for a profile that takes minutes, must not inherit it.
func TestWriteDeadlineEndsWithTheScrape(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBridge(t, PrometheusOptions{})
		r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
		r.Header.Set(timeoutHeader, "3")
		w := &deadlineRecorder{ResponseRecorder: httptest.NewRecorder()}
		b.Handler().ServeHTTP(w, r)
		if want := []time.Time{time.Now().Add(3 * time.Second), {}}; !slices.EqualFunc(w.deadlines, want, time.Time.Equal) {
			t.Errorf("got the deadlines %v, want %v", w.deadlines, want)
		}
	})
}

// A scraper that goes away by itself is no trouble to tell of.
func TestScraperThatGoesAway(t *testing.T) {
	b := newBridge(t, PrometheusOptions{})
	ctx, cancel := context.WithCancel(t.Context())
	entered, release := make(chan struct{}), make(chan struct{})
	defer close(release)
	defer b.registry.Observe("slow", func(context.Context, *instruments.Observation) { close(entered); <-release })()
	go func() {
		<-entered
		cancel()
	}()
	w := httptest.NewRecorder()
	b.Handler().ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusServiceUnavailable || b.log.count("deadline") != 0 {
		t.Errorf("got %d, and the log tells\n%s", w.Code, b.log)
	}
}
