// Package diag is the HTTP server of the diagnostics endpoints. It knows none of them;
// it sees to it that serving them cannot harm the process:
//
//   - A header has 5 s to arrive and is at most 64 KiB, a quiet connection is closed
//     after 60 s, a body has 10 s and at most 1 MiB and is refused with GET and HEAD.
//   - A client must go on reading: each 64 KiB within 30 s, everything within 10
//     minutes. There is no fixed write timeout, because profiles take as long as asked.
//   - At most 512 connections are open. A further one takes the place of the one that
//     has waited longest without a request, so that a flood of silent connections
//     does not keep probes out; only if all are being answered is it closed.
//   - While the listener is on loopback, the Host of a request must be loopback too.
//     That keeps pages in a browser from reading the endpoints under a name of theirs
//     that they let point here.
//   - A handler that panics costs its own request, and one line in the log.
//   - Shutdown ends in bounded time and leaves no goroutine, except one inside a
//     handler that does not return.
//
// The parts are used in this order:
//
//	listener, err := diag.Listen(ctx, "127.0.0.1:3000")
//	mux := diag.NewMux()
//	mux.Handle("/healthz", live)
//	server := diag.Options{Logger: logger}.Serve(listener, mux)
//	defer server.Shutdown(ctx)
package diag
