package inventory

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/telltale-agent/telltale/instruments"
)

// AnnouncePath is where [Inventory.Handler] takes announcements.
const AnnouncePath = "/v1/announce"

const (
	maxBody  = 4 << 10         // bytes
	bodyTime = 5 * time.Second // for a client to send them
)

// Handler takes announcements with [Inventory.Announce]:
//
//	POST /v1/announce
//	Content-Type: application/json
//
//	{"id":"node-1","type":"node","version":"18.2.0"}
//
// The answer is 204, or else one line of JSON with what is wrong: 400 for a
// body that is not exactly that, 413 above 4 KiB, 415 for another content type,
// 503 when the inventory is full or closed. The body must be there within 5 s.
//
// A connection is what a client keeps up by announcing itself at every
// interval; it ends by silence, since HTTP has no goodbye. The handler
// authenticates nobody: what stands in front of it does.
func (inv *Inventory) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if status, err := inv.serve(w, r); err != nil {
			answer(w, status, err)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
}

func (inv *Inventory) serve(w http.ResponseWriter, r *http.Request) (status int, _ error) {
	switch {
	case r.URL.Path != AnnouncePath:
		return http.StatusNotFound, errors.New("nothing is served here: use " + AnnouncePath)
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		return http.StatusMethodNotAllowed, errors.New("use POST")
	}
	if mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); mediaType != "application/json" {
		return http.StatusUnsupportedMediaType, errors.New("use content type application/json")
	}
	body, err := readBody(w, r)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return http.StatusRequestEntityTooLarge, fmt.Errorf("the body is above %d bytes", maxBody)
	case err != nil:
		return http.StatusBadRequest, errors.New("the body did not come")
	}
	a, err := parseAnnouncement(body)
	if err == nil {
		err = inv.Announce(a)
	}
	switch {
	case errors.Is(err, ErrInvalid):
		return http.StatusBadRequest, err
	case err != nil:
		w.Header().Set("Retry-After", "60")
		return http.StatusServiceUnavailable, err
	}
	return http.StatusNoContent, nil
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	// Not every server can; one that cannot has bounds of its own.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTime))
	return io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
}

func answer(w http.ResponseWriter, status int, err error) {
	line, encodeErr := json.Marshal(map[string]string{"error": err.Error()})
	if encodeErr != nil {
		line = []byte(`{"error":"internal"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(append(line, '\n')) // the client may have gone
}

// parseAnnouncement reads exactly one object with exactly the three strings.
// The decoder of package json would take other spellings of the keys, keys that
// stand there twice or not at all, and null.
func parseAnnouncement(body []byte) (Announcement, error) {
	var a Announcement
	if !utf8.Valid(body) {
		return a, fmt.Errorf("%w: the body is not UTF-8", ErrInvalid)
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	if open, err := decoder.Token(); err != nil || open != json.Delim('{') {
		return a, fmt.Errorf("%w: the body is no JSON object", ErrInvalid)
	}
	values := make(map[string]string, 3)
	for decoder.More() {
		if err := parseMember(decoder, values); err != nil {
			return a, err
		}
	}
	if _, err := decoder.Token(); err != nil {
		return a, fmt.Errorf("%w: the body is no complete JSON object", ErrInvalid)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return a, fmt.Errorf("%w: something follows the JSON object", ErrInvalid)
	}
	for _, name := range []string{"id", "type", "version"} {
		if _, there := values[name]; !there {
			return a, fmt.Errorf("%w: %s is missing", ErrInvalid, name)
		}
	}
	return Announcement{ID: values["id"], Type: instruments.ResourceType(values["type"]), Version: values["version"]}, nil
}

func parseMember(decoder *json.Decoder, values map[string]string) error {
	token, err := decoder.Token()
	if err != nil {
		return fmt.Errorf("%w: the body is no JSON object", ErrInvalid)
	}
	name, _ := token.(string)
	if name != "id" && name != "type" && name != "version" {
		return fmt.Errorf("%w: key %.40q is not known: use id, type and version", ErrInvalid, name)
	}
	if _, twice := values[name]; twice {
		return fmt.Errorf("%w: %s stands there twice", ErrInvalid, name)
	}
	token, err = decoder.Token()
	value, ok := token.(string)
	if err != nil || !ok {
		return fmt.Errorf("%w: %s is no string", ErrInvalid, name)
	}
	values[name] = value
	return nil
}
