package gcs

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
)

// prospect says whether the client makes another attempt after one that failed.
type prospect uint8

const (
	never    prospect = iota // the server refused for good
	unlikely                 // only a client that was told to would try again
	likely                   // the client tries again unless it was told not to
)

// retried are the texts by which the client recognises errors of the network
// after which it tries again. It has no better way either.
var retried = [...]string{
	"connection refused", "connection reset", "broken pipe", "client connection lost", "server closed idle connection",
}

// next says whether another attempt follows, as the official client has it.
func (a *attempt) next() prospect {
	if a.err == nil && a.resp != nil {
		return afterStatus(a.resp.StatusCode)
	}
	if a.err == nil {
		return unlikely
	}
	if a.op == download && errors.Is(a.err, io.EOF) {
		return likely
	}
	return afterError(a.err)
}

func afterStatus(code int) prospect {
	switch code {
	case http.StatusRequestTimeout, http.StatusTooManyRequests:
		return likely
	}
	if code >= http.StatusInternalServerError {
		return likely
	}
	return never
}

func afterError(err error) prospect {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) {
		return likely
	}
	if temporary, ok := errors.AsType[interface {
		error
		Temporary() bool
	}](err); ok && temporary.Temporary() {
		return likely
	}
	text := err.Error()
	for _, part := range retried {
		if strings.Contains(text, part) {
			return likely
		}
	}
	return unlikely
}
