package diag

import (
	"net/http"
	"time"
)

// limitBody bounds the time and the size of bodies, and refuses them where no endpoint
// reads one. It touches the read deadline only of requests with a body: the server
// waits for the end of the others to notice clients that go away.
func limitBody(o Options, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body == nil || r.Body == http.NoBody {
			next.ServeHTTP(w, r)
			return
		}
		// Also for what the server reads on after the handler.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(o.BodyTime))
		switch {
		case r.Method == http.MethodGet, r.Method == http.MethodHead:
			refuseBody(w, http.StatusBadRequest, "no body is expected with GET and HEAD")
		case r.ContentLength > int64(o.BodyBytes):
			refuseBody(w, http.StatusRequestEntityTooLarge, "the body is too large")
		default:
			r.Body = http.MaxBytesReader(w, r.Body, int64(o.BodyBytes))
			next.ServeHTTP(w, r)
		}
	})
}

func refuseBody(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Connection", "close")
	writeError(w, status, text)
}
