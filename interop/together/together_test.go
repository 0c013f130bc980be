package together

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/value"

	"github.com/telltale-agent/telltale/interop/internal/etcdserver"
	"github.com/telltale-agent/telltale/interop/internal/harness"
	"github.com/telltale-agent/telltale/interop/internal/otlpserver"
	"github.com/telltale-agent/telltale/interop/internal/promserver"
)

// The values of process_state.
const (
	ok         = 0
	recovering = 1
	degraded   = 2
	starting   = 3
)

// TestEverybodySeesTheSame stops an etcd and starts it again. What /readyz says is what the Prometheus server stores
// and what the Collector gets, and both see the states in the same order. When telltale is stopped, the last thing that
// the Collector hears is that the process is not ready any more.
func TestEverybodySeesTheSame(t *testing.T) {
	t.Parallel()
	etcd := etcdserver.New(t)
	etcd.Start(t)
	collector := otlpserver.Start(t, otlpserver.HTTP)
	telltale := harness.Start(t,
		"--component", "etcd=http://"+etcd.Client+"/health", "--heartbeat", "2s",
		"--otlp", collector.URL(), "--push-interval", "500ms")
	prometheus := promserver.Start(t, telltale.Addr(), promserver.Jobs("telltale", ""))

	everybodySees := func(state int, status int) {
		t.Helper()
		harness.Await(t, fmt.Sprintf("everybody to see state %d", state), func() error {
			ready, err := telltale.Ready("/readyz")
			if err != nil || ready.Code != status {
				return fmt.Errorf("/readyz says %v, %v", ready, err)
			}
			if seen := stored(t, prometheus); len(seen) == 0 || seen[len(seen)-1] != state {
				return fmt.Errorf("the Prometheus server has seen %v", seen)
			}
			if seen := pushed(t, collector); len(seen) == 0 || seen[len(seen)-1] != state {
				return fmt.Errorf("the Collector has seen %v", seen)
			}
			return nil
		})
	}
	everybodySees(ok, 200)
	etcd.Stop()
	everybodySees(degraded, 503)
	etcd.Start(t)
	everybodySees(recovering, 400)
	everybodySees(ok, 200)

	want := []int{ok, degraded, recovering, ok}
	if seen := withoutStart(stored(t, prometheus)); !slices.Equal(seen, want) {
		t.Errorf("the Prometheus server has seen the states %v, want %v", seen, want)
	}
	if seen := withoutStart(pushed(t, collector)); !slices.Equal(seen, want) {
		t.Errorf("the Collector has seen the states %v, want %v", seen, want)
	}
	checkAlert(t, prometheus)

	telltale.Stop(t)
	last, err := collector.Last()
	if err != nil {
		t.Fatal(err)
	}
	if state, err := last.Number("process_state"); err != nil || state.Value != degraded {
		t.Errorf("the last push says process_state %v (%v), want %d", state.Value, err, degraded)
	}
}

// checkAlert asks what an alert on a process that is not ready would have asked.
func checkAlert(t *testing.T, prometheus *promserver.Server) {
	t.Helper()
	for query, want := range map[string]float64{
		`max_over_time(process_state{job="telltale"}[5m]) >= 2`:                                 1,
		`max_over_time(telltale_component_state{job="telltale", component="etcd"}[5m]) >= 2`:    1,
		`process_state{job="telltale"} >= 2`:                                                    0,
		`changes(process_state{job="telltale"}[5m]) >= 3`:                                       1,
		`increase(telltale_component_transitions_total{component="etcd",state="degraded"}[5m])`: 1,
	} {
		if vector := prometheus.MustQuery(t, query, time.Now()); float64(len(vector)) != want {
			t.Errorf("%s has %d series, want %v: %v", query, len(vector), want, vector)
		}
	}
}

// stored are the states that the Prometheus server has stored, repetitions left out.
func stored(t *testing.T, prometheus *promserver.Server) []int {
	t.Helper()
	var states []int
	for _, point := range prometheus.Stored(t, "process_state") {
		if !value.IsStaleNaN(point.Value) {
			states = append(states, int(point.Value))
		}
	}
	return slices.Compact(states)
}

// pushed are the states that the Collector has been sent, repetitions left out.
func pushed(t *testing.T, collector *otlpserver.Collector) []int {
	t.Helper()
	var states []int
	for i, push := range collector.Pushes() {
		state, err := push.Number("process_state")
		if err != nil {
			t.Errorf("push %d: %v", i, err)
			continue
		}
		states = append(states, int(state.Value))
	}
	return slices.Compact(states)
}

// withoutStart leaves out the first state if it is starting, which only those see who come early enough.
func withoutStart(states []int) []int {
	if len(states) > 0 && states[0] == starting {
		return states[1:]
	}
	return states
}
