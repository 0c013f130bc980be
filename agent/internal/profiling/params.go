package profiling

import (
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// seconds reads the parameter of that name: how long to record. Fractions are allowed.
// Without the parameter it is the default, or the cap if that is less.
func (h *Handler) seconds(query url.Values, without time.Duration) (time.Duration, error) {
	text := query.Get("seconds")
	most := time.Duration(h.maxSeconds) * time.Second
	if text == "" && !query.Has("seconds") {
		return min(without, most), nil
	}
	n, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil || math.IsNaN(n) || n <= 0:
		return 0, badRequest(fmt.Sprintf("seconds must be a number above 0 and not above %d", h.maxSeconds))
	case n > float64(h.maxSeconds):
		return 0, badRequest(fmt.Sprintf("seconds is above the cap of %d; ask for less", h.maxSeconds))
	}
	return max(time.Duration(n*float64(time.Second)), 1), nil
}

// form is how a snapshot is to be written.
type form struct {
	debug int // 0: protocol buffer for go tool pprof; 1: text; 2: goroutines one by one
	gc    bool
}

func parseForm(query url.Values) (form, error) {
	debug, err := small(query, "debug", 2)
	if err != nil {
		return form{}, err
	}
	gc, err := small(query, "gc", 1)
	return form{debug: debug, gc: gc == 1}, err
}

// small reads a parameter that is a number from 0 to most, 0 without the parameter.
func small(query url.Values, name string, most int) (int, error) {
	text := query.Get(name)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > most {
		return 0, badRequest(fmt.Sprintf("%s must be a number from 0 to %d", name, most))
	}
	return n, nil
}

// attach sets the header of an answer that tools read.
func attach(w http.ResponseWriter, filename string) {
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", `attachment; filename="`+filename+`"`)
}

func plainText(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
}
