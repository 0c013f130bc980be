package agent_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/telltale-agent/telltale/agent"
	"github.com/telltale-agent/telltale/instruments"
)

// A program serves its diagnostics on an address of their own.
func ExampleStart() {
	a, err := agent.Start(context.Background(), agent.Config{
		DiagAddr:   "127.0.0.1:0",
		Components: []string{"auth"},
	}, agent.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer a.Shutdown(context.Background())

	auth := a.Health().Component("auth")
	show := func() {
		response, err := http.Get("http://" + a.Addr() + "/readyz")
		if err != nil {
			fmt.Println(err)
			return
		}
		defer response.Body.Close()
		body, _ := io.ReadAll(response.Body)
		fmt.Println(response.StatusCode, string(body))
	}
	show()
	auth.OK()
	show()
	auth.Fail(errors.New("the database is gone"))
	show()
	// Output:
	// 400 {"status":"starting: auth (never reported)"}
	// 200 {"status":"ok"}
	// 503 {"status":"degraded: auth (failed)"}
}

// A program that has a server of its own mounts the endpoints there.
func ExampleAgent_Handler() {
	a, err := agent.Start(context.Background(), agent.Config{}, agent.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer a.Shutdown(context.Background())

	mux := http.NewServeMux()
	mux.Handle("/", a.Handler())

	instruments.UserLogins.In(a.Instruments()).Add(2)
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for line := range strings.Lines(w.Body.String()) {
		if strings.Contains(line, "user_login_total") {
			fmt.Print(line)
		}
	}
	// Output:
	// # HELP user_login_total Logins of users that succeeded.
	// # TYPE user_login_total counter
	// user_login_total 2
}

// jobs is a metric of the embedder's own, under the rules of the documented
// ones: exactly this name at every exit, zero before anything happens.
var jobs = instruments.Must(instruments.DeclareCounterBy(instruments.Spec{
	Name: "example_jobs_total",
	Unit: "{job}",
	Help: "Jobs that ended, by queue.",
}, queue{"mail"}, queue{"print"}))

type queue struct {
	Name string `label:"queue"`
}

// A program adds metrics of its own.
func ExampleAgent_Instruments() {
	a, err := agent.Start(context.Background(), agent.Config{}, agent.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer a.Shutdown(context.Background())

	mail := jobs.In(a.Instruments()).At(queue{"mail"}) // resolved once
	mail.Inc()
	mail.Inc()

	w := httptest.NewRecorder()
	a.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for line := range strings.Lines(w.Body.String()) {
		if strings.HasPrefix(line, "example_jobs_total") {
			fmt.Print(line)
		}
	}
	// Output:
	// example_jobs_total{queue="mail"} 2
	// example_jobs_total{queue="print"} 0
}
