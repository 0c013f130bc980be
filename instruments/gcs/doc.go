// Package gcs measures the uploads and downloads of a Cloud Storage client. It
// is a transport for its HTTP client and needs no library of Google's:
//
//	measured := gcs.Transport(agent.Instruments(), nil)
//	authenticated, err := htransport.NewTransport(ctx, measured, option.WithScopes(storage.ScopeReadWrite))
//	…
//	client, err := storage.NewClient(ctx, option.WithHTTPClient(&http.Client{Transport: authenticated}))
//
// With STORAGE_EMULATOR_HOST no authentication is wanted, and the measured
// transport is that of the client. Requests are recognised by method, path and
// query, in the JSON API as well as in the XML API, at whatever host.
//
// # What is counted
//
// An upload is an object that is sent: in one request, with its metadata in a
// multipart request, in a resumable session, or in the parts of an XML multipart
// upload. A session is one upload, however many chunks, questions and retries it
// takes. It ends when the whole object is acknowledged, when the server refuses
// it for good, or when it is given up: cancelled at the server, its context
// ended, or not gone on with. The time runs from the first request, which opens
// the session, to that end; what the client buffers before is not in it.
//
// A download is the content of an object or of a range of it, as one reader of
// the client reads it. It ends when the body is read to its end, fails or is
// closed. A reader that loses its connection asks for the rest of the object;
// that goes on with the same download, and so do attempts to open it that are
// made again. Several ranges that are read side by side are several downloads.
//
// Successes and failures are counted alike, each once and together with its time.
// Everything else is neither: attributes, lists, deletions, compositions,
// copies, requests with HEAD (which the client sends for an empty range), and
// batches of those.
//
// # When a failure is noticed
//
// The transport sees requests, not the calls of the client. After a failure that
// the client answers with another attempt (408, 429, 5xx, a connection that is
// refused or reset), a transfer stays open until that comes. It is counted at
// once if its context ends, if the client marks no retries (it does so by
// X-Goog-Gcs-Idempotency-Token), or if the reader is closed; otherwise 40 seconds
// later, which is more than the client waits between attempts. The time recorded
// is that up to the failure. After another failure without an answer it is counted
// at once, and an attempt that follows against expectation is not counted again.
//
// An upload whose next chunk does not come is given up after a day. At most 1024
// transfers wait like this; above that the one which waits longest is counted as
// given up.
//
// The client that storage.NewGRPCClient makes uses no HTTP transport and is not
// measured.
package gcs
