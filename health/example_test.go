package health_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"

	"github.com/telltale-agent/telltale/health"
)

func Example() {
	tracker := health.New(health.WithLogger(slog.New(slog.DiscardHandler)))
	defer tracker.Close()

	auth := tracker.Component("auth")
	proxy := tracker.Component("proxy")
	fmt.Println(tracker.Snapshot().Status())

	auth.OK()
	proxy.OK()
	fmt.Println(tracker.Snapshot().Status())

	proxy.Fail(errors.New("dial tcp 10.0.0.7:3025: connection refused"))
	fmt.Println(tracker.Snapshot().Status())

	proxy.OK()
	fmt.Println(tracker.Snapshot().Status())
	// Output:
	// starting: auth (never reported), proxy (never reported)
	// ok
	// degraded: proxy (failed)
	// recovering: proxy (recovering)
}

func ExampleComponent_Run() {
	tracker := health.New(health.WithLogger(slog.New(slog.DiscardHandler)))
	defer tracker.Close()

	ctx, cancel := context.WithCancel(context.Background())
	ping := func(context.Context) error {
		cancel() // a real one asks its backend, and does not end the loop
		return nil
	}
	auth := tracker.Component("auth")
	fmt.Println(auth.Run(ctx, ping))
	fmt.Println(auth.State())
	// Output:
	// context canceled
	// ok
}

func ExampleTracker_ReadyHandler() {
	tracker := health.New(health.WithLogger(slog.New(slog.DiscardHandler)))
	defer tracker.Close()

	mux := http.NewServeMux()
	mux.Handle("/healthz", health.LiveHandler())
	mux.Handle("/readyz", tracker.ReadyHandler())
	mux.Handle("/readyz/{component}", tracker.ReadyHandler())

	tracker.Component("auth").OK()
	tracker.Component("proxy").Fail(errors.New("not shown to probes"))
	for _, path := range []string{"/healthz", "/readyz", "/readyz/auth", "/readyz?exclude=proxy"} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		fmt.Println(path, w.Code, w.Body)
	}
	// Output:
	// /healthz 200 {"status":"ok"}
	// /readyz 503 {"status":"degraded: proxy (failed)"}
	// /readyz/auth 200 {"status":"ok"}
	// /readyz?exclude=proxy 200 {"status":"ok"}
}
