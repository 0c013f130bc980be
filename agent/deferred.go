package agent

import (
	"net/http"
	"sync/atomic"
)

// deferredHandler answers 503 until it knows its handler: probes are served
// before the metrics pipeline stands.
type deferredHandler struct{ handler atomic.Pointer[http.Handler] }

func (d *deferredHandler) use(h http.Handler) { d.handler.Store(&h) }

func (d *deferredHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h := d.handler.Load(); h != nil {
		(*h).ServeHTTP(w, r)
		return
	}
	w.Header().Set("Retry-After", "1")
	http.Error(w, "metrics are not ready yet: ask again", http.StatusServiceUnavailable)
}
