package instrumentstest_test

import (
	"fmt"
	"maps"
	"testing"

	"go.opentelemetry.io/otel/attribute"

	"github.com/telltale-agent/telltale/instruments"
	"github.com/telltale-agent/telltale/instruments/instrumentstest"
)

func TestExit(t *testing.T) {
	exit := instrumentstest.New(t)
	instruments.UserLogins.In(exit.Registry).Add(2)
	reads := instruments.Store{Component: instruments.StoreCache}
	instruments.BackendReads.In(exit.Registry).Add(3, reads)
	instruments.BackendReadSeconds.In(exit.Registry).Record(0.5, reads)
	instruments.TrustedClusters.In(exit.Registry).Set(1, instruments.TrustedCluster{Cluster: "leaf", State: "connected"})

	exit.Want(t, instrumentstest.Values{
		"user_login_total":                     2,
		"failed_login_attempts_total":          0,
		"backend_read_requests_total{cache}":   3,
		"backend_read_requests_total{backend}": 0,
		"backend_read_seconds_count{cache}":    1,
		"backend_read_seconds_sum{cache}":      0.5,
		"trusted_clusters{leaf,connected}":     1,
		"watcher_events_count{nodes}":          0, // not there
	})
	got := exit.Collect(t).With("backend_read_requests_total")
	want := instrumentstest.Values{"backend_read_requests_total{cache}": 3, "backend_read_requests_total{backend}": 0}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestPoints(t *testing.T) {
	exit := instrumentstest.New(t)
	instruments.TrustedClusters.In(exit.Registry).Set(1, instruments.TrustedCluster{Cluster: "leaf", State: "connected"})
	got := exit.Points(t, "trusted_clusters")
	want := attribute.NewSet(attribute.String("cluster", "leaf"), attribute.String("state", "connected"))
	if len(got) != 1 || got[0].Value != 1 || !got[0].Attributes.Equals(&want) {
		t.Errorf("got %v, want one point of %v", got, want.ToSlice())
	}
	if got := exit.Points(t, "no_such_metric"); got != nil {
		t.Errorf("got %v, want nothing", got)
	}
}

// The kit finds what is wrong.
func TestWantFails(t *testing.T) {
	const logins, failed, unknown = "user_login_total", "failed_login_attempts_total", "watcher_events_count{nodes}"
	for _, row := range []struct {
		name     string
		want     func(*instrumentstest.Exit, testing.TB, instrumentstest.Values)
		values   instrumentstest.Values
		failures string
	}{
		{"another value", (*instrumentstest.Exit).Want, instrumentstest.Values{logins: 2}, "user_login_total: got 1, want 2"},
		{"zero that is not there", (*instrumentstest.Exit).Want, instrumentstest.Values{unknown: 0}, ""},
		{"another value shown", (*instrumentstest.Exit).WantShown, instrumentstest.Values{logins: 2}, "user_login_total: got 1 (shown: true), want 2"},
		{"zero shown", (*instrumentstest.Exit).WantShown, instrumentstest.Values{failed: 0, logins: 1}, ""},
		{"zero not shown", (*instrumentstest.Exit).WantShown, instrumentstest.Values{unknown: 0}, unknown + ": got 0 (shown: false), want 0"},
		{"recorded", (*instrumentstest.Exit).WantRecorded, instrumentstest.Values{logins: 1, "backend_read_seconds_count{cache}": 1, failed: 0}, ""},
		{
			"more recorded", (*instrumentstest.Exit).WantRecorded, instrumentstest.Values{logins: 1},
			"got  map[backend_read_seconds_count{cache}:1 user_login_total:1]\nwant map[user_login_total:1]",
		},
		{
			"less recorded", (*instrumentstest.Exit).WantRecorded,
			instrumentstest.Values{logins: 1, "backend_read_seconds_count{cache}": 1, failed: 3},
			"got  map[backend_read_seconds_count{cache}:1 user_login_total:1]\n" +
				"want map[backend_read_seconds_count{cache}:1 failed_login_attempts_total:3 user_login_total:1]",
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			exit := instrumentstest.New(t)
			instruments.UserLogins.In(exit.Registry).Inc()
			instruments.BackendReadSeconds.In(exit.Registry).Record(0.5, instruments.Store{Component: instruments.StoreCache})
			recorder := &failures{TB: t}
			row.want(exit, recorder, row.values)
			if recorder.text != row.failures {
				t.Errorf("got %q, want %q", recorder.text, row.failures)
			}
		})
	}
}

// failures keeps what would have failed a test.
type failures struct {
	testing.TB
	text string
}

func (f *failures) Errorf(format string, arguments ...any) {
	f.text += fmt.Sprintf(format, arguments...)
}

func TestAwait(t *testing.T) {
	exit := instrumentstest.New(t)
	logins := instruments.UserLogins.In(exit.Registry)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 100 {
			logins.Inc()
		}
	}()
	exit.Await(t, instrumentstest.Values{"user_login_total": 100})
	<-done
}
