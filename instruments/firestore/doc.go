// Package firestore measures the requests of a Cloud Firestore client. It is a
// pair of gRPC client interceptors and needs no library of Google's:
//
//	var options []option.ClientOption
//	for _, dial := range firestore.DialOptions(agent.Instruments()) {
//		options = append(options, option.WithGRPCDialOption(dial))
//	}
//	client, err := gcloud.NewClient(ctx, project, options...)
//
// With FIRESTORE_EMULATOR_HOST the client dials by itself and takes no dial
// options. To measure what goes to an emulator, leave that variable out and give
// the client a connection that was made with the options, by option.WithGRPCConn.
//
// # What is counted
//
// Batch reads are the requests that return any number of documents: RunQuery,
// RunAggregationQuery, ExecutePipeline, BatchGetDocuments, and ListDocuments, of
// which each page is one. They last until the last document is received, which
// is the end of the stream, or until the caller gives up: an iterator that is
// stopped, a context that ends. The client gets a single document by
// BatchGetDocuments, too; that is the same request, and counted like the others.
//
// Batch writes are the requests Commit and BatchWrite with two or more writes:
// batches, transactions that write several documents, and what a BulkWriter
// gathers. With one write they are the write of a document, and not counted.
//
// Each request is counted once, when it ends, with its time, whether it
// succeeded or failed. A transaction that is tried again commits again, which is
// another request, and so is each attempt that the client makes at a request.
//
// Not counted are requests for one document by its name (GetDocument,
// CreateDocument, UpdateDocument, DeleteDocument), those that move no documents
// (BeginTransaction, Rollback, ListCollectionIds, PartitionQuery), and Listen and
// Write, which stay open for as long as the program wants news, so that they have
// no time that would say anything.
package firestore
