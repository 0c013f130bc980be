package profiling

import (
	"net/http"
	"strconv"
	"time"
)

const (
	// stall is how long a client may take for each chunk of an answer. It also
	// replaces a write timeout of the server, which would else cut off profiles that
	// last longer.
	stall = 30 * time.Second
	chunk = 64 << 10
)

// sender writes to a client that must keep reading.
type sender struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

func newSender(w http.ResponseWriter) sender {
	return sender{w: w, control: http.NewResponseController(w)}
}

// Write implements io.Writer.
func (s sender) Write(data []byte) (written int, err error) {
	for len(data) > 0 {
		s.allow(stall)
		n, err := s.w.Write(data[:min(chunk, len(data))])
		written += n
		if err != nil {
			return written, err
		}
		data = data[n:]
	}
	return written, nil
}

// allow moves the write deadline. Writers without one, as in tests, need none.
func (s sender) allow(d time.Duration) {
	_ = s.control.SetWriteDeadline(time.Now().Add(d))
}

// sendAll writes an answer that is complete.
func sendAll(w http.ResponseWriter, data []byte) error {
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	_, err := newSender(w).Write(data)
	return err
}
