package gcs_test

import (
	"bytes"
	"io"
	"net/http"
	"testing"

	"github.com/telltale-agent/telltale/instruments/gcs"
)

// BenchmarkTransport shows what is added to a request, first to a base that
// answers at once, then to a server on the same machine.
func BenchmarkTransport(b *testing.B) {
	content := bytes.Repeat([]byte("x"), 4096)
	instant := peer(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Body: io.NopCloser(bytes.NewReader(content))}, nil
	})
	server := storage(b)
	for _, row := range []struct {
		name, method, url string
		base              http.RoundTripper
	}{
		{"download", "GET", mediaPath, instant},
		{"upload", "POST", uploadPath + "media", instant},
		{"metadata", "GET", host + "/storage/v1/b/b/o/o", instant},
		{"download/server", "GET", server.URL + "/storage/v1/b/b/o/o?alt=media", server.Client().Transport},
	} {
		b.Run(row.name+"/bare", func(b *testing.B) { benchmark(b, row.base, row.method, row.url) })
		b.Run(row.name+"/measured", func(b *testing.B) {
			benchmark(b, gcs.Transport(newExit(b).Registry, row.base), row.method, row.url)
		})
	}
}

func benchmark(b *testing.B, rt http.RoundTripper, method, url string) {
	req, err := http.NewRequest(method, url, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		resp, err := rt.RoundTrip(req)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			b.Fatal(err)
		}
		_ = resp.Body.Close()
	}
}
