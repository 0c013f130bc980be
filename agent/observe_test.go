package agent

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Everything that is told about a component is there from its declaration on,
// and agrees with what the component has reported.
func TestComponentMetrics(t *testing.T) {
	const (
		lastOK     = `telltale_component_last_ok_timestamp_seconds{component="auth"} `
		state      = `telltale_component_state{component="auth"} `
		heartbeats = `telltale_component_heartbeats_total{component="auth",result=`
		entered    = `telltale_component_transitions_total{component="auth",state=`
	)
	synctest.Test(t, func(t *testing.T) { // the clock starts at 946684800
		a, err := Start(t.Context(), Config{Components: []string{"auth"}}, quiet()...)
		if err != nil {
			t.Fatal(err)
		}
		auth := a.Health().Component("auth")
		for _, step := range []struct {
			name   string
			report func()
			want   []string
		}{
			{"declared", func() {}, []string{
				lastOK + "0", state + "3", heartbeats + `"ok"} 0`, heartbeats + `"fail"} 0`, heartbeats + `"skip"} 0`,
				entered + `"ok"} 0`, entered + `"recovering"} 0`, entered + `"degraded"} 0`, entered + `"starting"} 0`,
			}},
			{"failed", func() { auth.Fail(errors.New("no")) }, []string{lastOK + "0", state + "2", heartbeats + `"fail"} 1`, entered + `"degraded"} 1`}},
			{"recovering", auth.OK, []string{lastOK + "9.46684802e+08", state + "1", heartbeats + `"ok"} 1`, entered + `"recovering"} 1`}},
			{"skipped", auth.Skip, []string{lastOK + "9.46684802e+08", state + "1", heartbeats + `"skip"} 1`}},
		} {
			step.report()
			_, metrics := ask(a, http.MethodGet, "/metrics")
			for _, line := range step.want {
				if !strings.Contains(metrics, "\n"+line+"\n") {
					t.Errorf("%s: the scrape does not have %s", step.name, line)
				}
			}
			time.Sleep(time.Second)
		}
		if err := a.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
}
