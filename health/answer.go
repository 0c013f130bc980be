package health

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
)

// refuseMethod answers 405 unless the method is GET or HEAD, and tells whether
// it did.
func refuseMethod(w http.ResponseWriter, r *http.Request) bool {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return false
	}
	w.Header().Set("Allow", "GET, HEAD")
	writeError(w, r, http.StatusMethodNotAllowed, "method not allowed: use GET or HEAD")
	return true
}

// writeError answers with {"error":"…"}.
func writeError(w http.ResponseWriter, r *http.Request, code int, message string) {
	writeValue(w, r, code, struct {
		Error string `json:"error"`
	}{message})
}

// writeValue answers with v, which json can encode.
func writeValue(w http.ResponseWriter, r *http.Request, code int, v any) {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false) // nosniff is set, and people read this
	if err := encoder.Encode(v); err != nil {
		code = http.StatusInternalServerError
		body.Reset()
		body.WriteString(`{"error":"the answer could not be encoded"}`)
	}
	writeJSON(w, r, code, bytes.TrimSuffix(body.Bytes(), []byte("\n")))
}

// writeJSON answers with a body that is one compact line of JSON, without a
// newline at its end. HEAD gets the same header and no body.
func writeJSON(w http.ResponseWriter, r *http.Request, code int, body []byte) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(code)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // a client that went away needs no answer
	}
}
