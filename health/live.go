package health

import "net/http"

// LiveHandler answers GET and HEAD with 200 and {"status":"ok"}, whatever the
// state: it says that the process can answer. It takes no lock.
func LiveHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if refuseMethod(w, r) {
			return
		}
		writeJSON(w, r, http.StatusOK, []byte(`{"status":"ok"}`))
	})
}
