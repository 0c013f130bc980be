package gcs_test

import (
	"net/http"
	"testing"

	"github.com/telltale-agent/telltale/instruments/gcs"
)

func TestWhichRequestsAreTransfers(t *testing.T) {
	const (
		uploads   = "upload"
		downloads = "download"
		neither   = "neither"
	)
	for _, row := range []struct {
		name, method, url string
		header            string
		want              string
	}{
		{"media", "GET", mediaPath, "", downloads},
		{"media at an emulator", "GET", "http://127.0.0.1:4443/storage/v1/b/b/o/dir%2Fo?alt=media", "", downloads},
		{"media below a path", "GET", host + "/gcs/storage/v1/b/b/o/o?alt=media&generation=7", "", downloads},
		{"media link", "GET", host + "/download/storage/v1/b/b/o/o?generation=7&alt=media", "", downloads},
		{"media link without alt", "GET", host + "/download/storage/v1/b/b/o/o", "", downloads},
		{"XML GET", "GET", host + "/bucket/object", "", downloads},
		{"XML GET of a generation", "GET", host + "/bucket/dir%2Fobject?generation=7", "", downloads},
		{"XML GET signed", "GET", host + "/bucket/object?X-Goog-Signature=abc", "", downloads},
		{"XML GET with the bucket as host", "GET", "https://bucket.storage.googleapis.com/object", "", downloads},
		{"the method left empty", "", host + "/bucket/object", "", downloads},

		{"attributes", "GET", host + "/storage/v1/b/b/o/o?alt=json", "", neither},
		{"attributes of a copy", "GET", host + "/storage/v1/b/b/o/o", "", neither},
		{"list", "GET", host + "/storage/v1/b/b/o?prefix=a&alt=json", "", neither},
		{"list as media", "GET", host + "/storage/v1/b/b/o?alt=media", "", neither},
		{"bucket", "GET", host + "/storage/v1/b/b", "", neither},
		{"service account", "GET", host + "/storage/v1/projects/p/serviceAccount", "", neither},
		{"XML list", "GET", host + "/bucket/?prefix=a", "", neither},
		{"XML list without slash", "GET", host + "/bucket", "", neither},
		{"XML access list", "GET", host + "/bucket/object?acl", "", neither},
		{"XML list of parts", "GET", host + "/bucket/object?uploadId=u", "", neither},
		{"empty range", "HEAD", host + "/bucket/object", "", neither},
		{"metadata server", "GET", "http://169.254.169.254/computeMetadata/v1/instance/token", "", neither},

		{"simple", "POST", uploadPath + "media", "", uploads},
		{"multipart", "POST", uploadPath + "multipart", "", uploads},
		{"multipart at an emulator", "POST", "http://127.0.0.1:1/upload/storage/v1/b/b/o?uploadType=multipart", "", uploads},
		{"chunk of a session unknown", "PUT", sessionURL, "", uploads},
		{"XML PUT", "PUT", host + "/bucket/object", "", uploads},
		{"XML end of a multipart upload", "POST", host + "/bucket/object?uploadId=u", "", uploads},

		{"session opened", "POST", uploadPath + "resumable", "", uploads}, // and lost: there is no Location
		{"metadata only", "POST", host + "/storage/v1/b/b/o?name=o", "", neither},
		{"upload of no type", "POST", host + "/upload/storage/v1/b/b/o", "", neither},
		{"delete", "DELETE", host + "/storage/v1/b/b/o/o", "", neither},
		{"delete of no session", "DELETE", host + "/upload/storage/v1/b/b/o?name=o", "", neither},
		{"compose", "POST", host + "/storage/v1/b/b/o/o/compose", "", neither},
		{"rewrite", "POST", host + "/storage/v1/b/b/o/o/rewriteTo/b/c/o/p", "", neither},
		{"update", "PATCH", host + "/storage/v1/b/b/o/o", "", neither},
		{"bucket made", "POST", host + "/storage/v1/b?project=p", "", neither},
		{"batch", "POST", host + "/batch/storage/v1", "", neither},
		{"XML copy", "PUT", host + "/bucket/object", "X-Goog-Copy-Source: b/o", neither},
		{"XML compose", "PUT", host + "/bucket/object?compose", "", neither},
		{"XML bucket", "PUT", host + "/bucket", "", neither},
		{"XML delete", "DELETE", host + "/bucket/object", "", neither},
		{"XML start of a multipart upload", "POST", host + "/bucket/object?uploads", "", neither},
		{"cancel of a session unknown", "DELETE", sessionURL, "", neither},
	} {
		t.Run(row.name, func(t *testing.T) {
			e := newExit(t)
			rt := gcs.Transport(e.Registry, script(t, answer{status: 200}))
			var headers []string
			if row.header != "" {
				headers = append(headers, row.header)
			}
			req := request(t, t.Context(), row.method, row.url, headers...)
			req.Method = row.method
			send(t, rt, req)
			want := map[string]totals{uploads: {uploads: 1}, downloads: {downloads: 1}}[row.want]
			e.want(t, want.uploads, want.downloads)
		})
	}
}

// FuzzRequests looks for paths and queries that cannot be understood.
func FuzzRequests(f *testing.F) {
	f.Add("GET", "/storage/v1/b/b/o/o", "alt=media")
	f.Add("PUT", "/upload/storage/v1/b/b/o", "uploadType=resumable&upload_id=x")
	f.Add("POST", "/b/o", "uploadId=&=&&a")
	registry := newExit(f).Registry
	f.Fuzz(func(t *testing.T, method, path, query string) {
		req := request(t, t.Context(), http.MethodGet, host)
		req.Method, req.URL.Path, req.URL.RawQuery = method, path, query
		before := *req.URL
		sent := false
		rt := gcs.Transport(registry, peer(func(got *http.Request) (*http.Response, error) {
			sent = got == req
			return answer{status: 200}.response(got)
		}))
		send(t, rt, req)
		if !sent || *req.URL != before {
			t.Errorf("got the request changed to %v", req.URL)
		}
	})
}
