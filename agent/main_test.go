package agent

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// quiet are the options of agents in tests: no environment, no log.
func quiet(more ...Option) []Option {
	return append([]Option{
		WithLogger(slog.New(slog.DiscardHandler)),
		WithEnvironment(func(string) string { return "" }),
	}, more...)
}

// startAgent starts an agent that is shut down at the end of the test.
func startAgent(t testing.TB, config Config, more ...Option) *Agent {
	t.Helper()
	a, err := Start(context.Background(), config, quiet(more...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return a
}

// ask sends one request to the agent's handler.
func ask(a *Agent, method, path string) (status int, body string) {
	w := httptest.NewRecorder()
	a.Handler().ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return w.Code, w.Body.String()
}

// fetch sends one request to the agent's address.
func fetch(t testing.TB, a *Agent, path string) (status int, body string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get("http://" + a.Addr() + path)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}
