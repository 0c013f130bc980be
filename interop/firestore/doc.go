// Package firestore proves that instruments/firestore counts what the official client of Cloud Firestore asks for: single
// documents, batch gets, queries, aggregations, lists, batches, transactions and bulk writes, with a server (the published
// API over a store in memory, in the process of the tests) that breaks off in the middle of a stream, aborts transactions,
// or is too slow for its caller. The server keeps its own count, with which that of the metrics is compared.
//
// Run the tests with
//
//	cd interop/firestore && go test -race ./...
//
// and the benchmark, the measured client beside the bare one, with
//
//	cd interop/firestore && go test -run=^$ -bench=.
//
// This is a module of its own because the client's versions are not those of the other tests.
package firestore
