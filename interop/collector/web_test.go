package collector

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
)

// web is a component to watch that counts how often it was looked at.
type web struct {
	url   string
	count atomic.Int64
}

func startWeb(t *testing.T) *web {
	t.Helper()
	w := &web{}
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { w.count.Add(1) }))
	t.Cleanup(server.Close)
	w.url = server.URL
	return w
}

func (w *web) served() float64 { return float64(w.count.Load()) }
