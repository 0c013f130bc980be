package gcs

import (
	"net/http"
	"net/url"
	"strings"
)

// operation is what a request does to an object, as far as it is measured.
type operation uint8

const (
	other        operation = iota // metadata, copies, deletions: passed through
	download                      // the content of an object, or a range of it
	upload                        // a whole object in one request
	sessionStart                  // the opening of a resumable upload
	sessionData                   // a chunk, the end, or a question for the progress of one
	sessionPart                   // a part of an XML multipart upload; never its end
	sessionAbort                  // the caller gives up a session
)

// jsonAPI is what every path of the JSON API contains. The client escapes the
// slashes in names of objects, so that no object can pretend to be one.
const jsonAPI = "/storage/v1/"

// classify tells from the method, path and query what a request does, and for
// requests of a session which one it is. The host says nothing: emulators and
// private endpoints have any.
func classify(req *http.Request) (operation, string) {
	switch req.Method {
	case "", http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete:
	default:
		return other, ""
	}
	path := rawPath(req.URL)
	if before, after, ok := strings.Cut(path, jsonAPI); ok {
		return classifyJSON(req, before, after)
	}
	if strings.HasPrefix(path, "/computeMetadata/") { // where credentials come from
		return other, ""
	}
	return classifyXML(req, path)
}

func classifyJSON(req *http.Request, before, after string) (operation, string) {
	query := req.URL.RawQuery
	if isGet(req.Method) {
		media := strings.HasSuffix(before, "/download") || valueOf(query, "alt") == "media"
		if media && namesObject(after) {
			return download, ""
		}
		return other, ""
	}
	if !strings.HasSuffix(before, "/upload") {
		return other, ""
	}
	if id := valueOf(query, "upload_id"); id != "" {
		return ofSession(req.Method), id
	}
	switch {
	case req.Method == http.MethodDelete:
		return other, ""
	case valueOf(query, "uploadType") == "resumable":
		return sessionStart, ""
	case has(query, "uploadType"):
		return upload, ""
	}
	return other, ""
}

// namesObject recognises "b/bucket/o/object".
func namesObject(path string) bool {
	_, rest, ok := strings.Cut(path, "/o/")
	return ok && strings.HasPrefix(path, "b/") && rest != ""
}

func classifyXML(req *http.Request, path string) (operation, string) {
	query := req.URL.RawQuery
	if !namesXMLObject(req, path) {
		return other, ""
	}
	if id := valueOf(query, "upload_id"); id != "" && !isGet(req.Method) {
		return ofSession(req.Method), id
	}
	if id := valueOf(query, "uploadId"); id != "" {
		return ofMultipart(req.Method), id
	}
	for _, part := range [...]string{"acl", "compose", "legal-hold", "retention", "tagging", "uploads"} {
		if has(query, part) {
			return other, ""
		}
	}
	return classifyXMLObject(req), ""
}

func classifyXMLObject(req *http.Request) operation {
	switch {
	case isGet(req.Method):
		return download
	case req.Method == http.MethodPost && req.Header.Get("X-Goog-Resumable") == "start":
		return sessionStart
	case req.Method != http.MethodPut,
		req.Header.Get("X-Goog-Copy-Source") != "", req.Header.Get("X-Amz-Copy-Source") != "":
		return other
	}
	return upload
}

// namesXMLObject recognises "/bucket/object". The bucket is in the name of the
// host instead where that is one of Google's.
func namesXMLObject(req *http.Request, path string) bool {
	path = strings.TrimPrefix(path, "/")
	bucket, object, _ := strings.Cut(path, "/")
	if bucket != "" && object != "" {
		return true
	}
	return bucket != "" && strings.HasSuffix(req.URL.Hostname(), ".storage.googleapis.com")
}

func ofSession(method string) operation {
	if method == http.MethodDelete {
		return sessionAbort
	}
	return sessionData
}

func ofMultipart(method string) operation {
	switch method {
	case http.MethodPut:
		return sessionPart
	case http.MethodPost:
		return sessionData
	case http.MethodDelete:
		return sessionAbort
	}
	return other
}

func isGet(method string) bool { return method == "" || method == http.MethodGet }

// rawPath is the path as it is sent, without the check of url.URL.EscapedPath.
func rawPath(u *url.URL) string {
	if u.RawPath != "" {
		return u.RawPath
	}
	return u.Path
}

// valueOf returns the value of a key of a query as it was written. Unlike
// url.Values it allocates nothing; no key or value that matters is escaped.
func valueOf(query, key string) string {
	value, _ := lookup(query, key)
	return value
}

func has(query, key string) bool {
	_, ok := lookup(query, key)
	return ok
}

func lookup(query, key string) (string, bool) {
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		if name, value, _ := strings.Cut(pair, "="); name == key {
			return value, true
		}
	}
	return "", false
}
