package agent

import (
	"net/http"
	"strings"
	"testing"
)

// What an operator may switch on for /metrics is off by default, and each
// switch does its own.
func TestSwitchesOfMetrics(t *testing.T) {
	const scope, target = `otel_scope_name="`, "target_info{"
	for _, row := range []struct {
		name        string
		config      Config
		want, never []string
	}{
		{"nothing", Config{}, nil, []string{scope, "target_info"}},
		{"scopes", Config{ScopeInfo: true}, []string{
			`user_login_total{otel_scope_name="github.com/telltale-agent/telltale/instruments"`,
		}, []string{target}},
		{
			"target", Config{TargetInfo: true, ServiceName: "auth", Resource: map[string]string{"host.name": "a1", "service.name": "not this"}},
			[]string{target, `host_name="a1"`, `service_name="auth"`},
			[]string{scope, "not this"},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			a := startAgent(t, row.config)
			_, body := ask(a, http.MethodGet, "/metrics")
			for _, text := range row.want {
				if !strings.Contains(body, text) {
					t.Errorf("%s is missing", text)
				}
			}
			for _, text := range row.never {
				if strings.Contains(body, text) {
					t.Errorf("%s is there", text)
				}
			}
		})
	}
}
