// Package gcs proves that instruments/gcs counts what the official client of Cloud Storage does, call by call: whole
// objects, multipart and resumable uploads, readers of both APIs and of ranges, with a server (fake-gcs-server, in the
// process of the tests) that drops connections, answers 503, or is too slow for its caller.
//
// Run the tests with
//
//	cd interop/gcs && go test -race ./...
//
// and the benchmark, the measured client beside the bare one, with
//
//	cd interop/gcs && go test -run=^$ -bench=.
//
// This is a module of its own because the versions that these two peers need are not those of the other tests.
package gcs
