package profiling

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"strings"
)

// maxSymbols bounds the body of a request for symbols, in bytes.
const maxSymbols = 1 << 20

// serveSymbol names functions. The request is a list of program counters with plus
// signs between them, in the query of a GET or the body of a POST; the answer has a
// line with the address and the name for each that lies in a function. Its first line
// tells tools that symbols can be had.
func (h *Handler) serveSymbol(w http.ResponseWriter, r *http.Request) error {
	list := r.URL.RawQuery
	if r.Method == http.MethodPost {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxSymbols))
		var large *http.MaxBytesError
		switch {
		case errors.As(err, &large):
			return &refusal{status: http.StatusRequestEntityTooLarge, text: fmt.Sprintf("the list is longer than %d bytes; ask for fewer symbols at a time", maxSymbols)}
		case err != nil:
			return badRequest("the body could not be read")
		}
		list = string(body)
	}
	plainText(w)
	if r.Method == http.MethodHead {
		return nil
	}
	return sendAll(w, symbols(list))
}

func symbols(list string) []byte {
	var out bytes.Buffer
	out.WriteString("num_symbols: 1\n")
	for word := range strings.SplitSeq(list, "+") {
		pc, err := strconv.ParseUint(strings.TrimSpace(word), 0, 64)
		if err != nil || pc == 0 {
			continue
		}
		if f := runtime.FuncForPC(uintptr(pc)); f != nil {
			fmt.Fprintf(&out, "%#x %s\n", pc, f.Name())
		}
	}
	return out.Bytes()
}
