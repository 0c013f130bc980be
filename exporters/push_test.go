package exporters

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/telltale-agent/telltale/instruments"
)

func TestPushDelivers(t *testing.T) {
	bothProtocols(t, func(t *testing.T, protocol string) {
		for _, compression := range []Compression{"", CompressionGzip} {
			t.Run("compression "+string(compression), func(t *testing.T) {
				collector := startReceiver(t, protocol, nil)
				r := newRig(t, Target{
					URL: collector.url(), Compression: compression,
					Headers: map[string]string{"X-Tenant": "blue", "Authorization": "Bearer t0ken"},
				})
				r.add(3)
				r.flushed(t)
				r.add(4)
				r.flushed(t)
				got := collector.last(t)
				if v := got.value(t, "events"); v != 7 {
					t.Errorf("got %v events, want 7", v)
				}
				if got.headers["X-Tenant"] != "blue" || got.headers["Authorization"] != "Bearer t0ken" {
					t.Errorf("headers %v", got.headers)
				}
				if protocol == "http" && (got.path != "/v1/metrics" || got.encoding != string(compression)) {
					t.Errorf("path %q, encoding %q", got.path, got.encoding)
				}
				if r.log.String() != "" {
					t.Errorf("log of a healthy push: %s", r.log)
				}
			})
		}
	})
}

// TestPushRecovers breaks the collector in every way there is and mends it:
// nothing is lost, nothing is doubled, and the log has one line at each end.
func TestPushRecovers(t *testing.T) {
	rows := []struct {
		name   string
		treat  verdict
		reason instruments.PushFailureReason
	}{
		{"hangs", hang, instruments.PushTimeout},
		{"resets", reset, instruments.PushUnavailable},
		{"unavailable", unavailable, instruments.PushUnavailable},
		{"internal error", internal, instruments.PushOther},
		{"bad request", badRequest, instruments.PushRejected},
		{"throttles without a time", throttle, instruments.PushThrottled},
	}
	bothProtocols(t, func(t *testing.T, protocol string) {
		for _, row := range rows {
			t.Run(row.name, func(t *testing.T) {
				collector := startReceiver(t, protocol, nil)
				r := newRig(t, Target{URL: collector.url()}).withoutRetries()
				r.add(1)
				r.flushed(t)
				collector.set(row.treat)
				for n := range 3 {
					r.add(10)
					ctx, cancel := context.WithCancel(t.Context())
					if row.treat.hang {
						go func() {
							collector.await(t, n+2)
							cancel()
						}()
					}
					if err := r.ForceFlush(ctx); err == nil {
						t.Fatal("the export succeeded")
					}
					cancel()
				}
				r.settle(t)
				collector.set(accept)
				r.flushed(t)
				if got := collector.last(t).value(t, "events"); got != 31 {
					t.Errorf("got %v events, want 31", got)
				}
				if got := r.log.count("push to collector fails"); got != 1 {
					t.Errorf("%d lines for the beginning:\n%s", got, r.log)
				}
				if !strings.Contains(r.log.String(), "reason="+string(row.reason)) {
					t.Errorf("want reason %s in:\n%s", row.reason, r.log)
				}
				if got := r.log.count("push to collector works again"); got != 1 || r.log.count("failed=3") != 1 {
					t.Errorf("%d lines for the end:\n%s", got, r.log)
				}
			})
		}
	})
}

func TestPushToClosedPortAndRestart(t *testing.T) {
	bothProtocols(t, func(t *testing.T, protocol string) {
		collector := startReceiver(t, protocol, nil)
		collector.shut()
		r := newRig(t, Target{URL: collector.url()}).withoutRetries()
		for range 3 {
			r.add(1)
			r.refused(t, "connection refused")
		}
		if r.log.count("reason=refused") != 1 {
			t.Errorf("want one line with the reason refused:\n%s", r.log)
		}
		collector.start(t)
		r.flushed(t)
		if got := collector.last(t).value(t, "events"); got != 3 {
			t.Errorf("got %v events, want 3", got)
		}
		// A restart between two exports goes unnoticed.
		collector.shut()
		collector.start(t)
		r.add(1)
		r.flushed(t)
		if got := collector.last(t).value(t, "events"); got != 4 {
			t.Errorf("got %v events, want 4", got)
		}
		if r.log.count("push to collector fails") != 1 {
			t.Errorf("a restart between exports is no trouble:\n%s", r.log)
		}
	})
}

func TestPushHonoursRetryAfter(t *testing.T) {
	rows := []struct {
		name string
		wish verdict
	}{
		{"seconds", verdict{status: 429, code: throttle.code, retryAfter: 30 * time.Second}},
		{"date", verdict{status: 429, code: throttle.code, retryAfter: 30 * time.Second, httpDate: true}},
		{"with 503", verdict{status: 503, code: unavailable.code, retryAfter: 30 * time.Second}},
	}
	bothProtocols(t, func(t *testing.T, protocol string) {
		for _, row := range rows {
			t.Run(row.name, func(t *testing.T) {
				collector := startReceiver(t, protocol, nil)
				collector.set(row.wish)
				r := newRig(t, Target{URL: collector.url()})
				r.add(5)
				r.refused(t, "push to")
				r.refused(t, "the collector asked to wait")
				if got := collector.count(); got != 1 {
					t.Errorf("%d requests within the time to wait, want 1", got)
				}
				// The last export does not wait.
				collector.set(accept)
				if err := r.Shutdown(t.Context()); err != nil {
					t.Fatal(err)
				}
				if got := collector.last(t).value(t, "events"); got != 5 {
					t.Errorf("got %v events, want 5", got)
				}
			})
		}
	})
}

func TestPushPartialSuccess(t *testing.T) {
	bothProtocols(t, func(t *testing.T, protocol string) {
		collector := startReceiver(t, protocol, nil)
		partial := accept
		partial.rejected, partial.message = 2, "two too many of t0ken-value"
		collector.set(partial)
		r := newRig(t, Target{URL: collector.url(), Headers: map[string]string{"api-key": "t0ken-value"}})
		for range 3 {
			r.add(1)
			r.flushed(t)
		}
		if r.log.count("collector rejects part of the push") != 1 || r.log.count("points=2") != 1 {
			t.Errorf("want one line:\n%s", r.log)
		}
		if r.log.count("t0ken") != 0 {
			t.Errorf("a secret in the log:\n%s", r.log)
		}
		partial.rejected = 0 // nothing is lost, but there is a warning
		collector.set(partial)
		for range 2 {
			r.flushed(t)
		}
		if r.log.count("collector takes the whole push again") != 1 || r.log.count("collector warns about the push") != 1 {
			t.Errorf("want one line at the end, and one for the warning:\n%s", r.log)
		}
		collector.set(accept)
		r.flushed(t)
		if r.log.count("collector no longer warns about the push") != 1 || r.log.count("collector rejects part of the push") != 1 {
			t.Errorf("want one line at the end of the warnings:\n%s", r.log)
		}
	})
}

// TestPushFollowsNoRedirect: headers go to nobody but the named collector.
func TestPushFollowsNoRedirect(t *testing.T) {
	elsewhere := startReceiver(t, "http", nil)
	server := httptest.NewServer(http.RedirectHandler(elsewhere.url()+"/v1/metrics", http.StatusTemporaryRedirect))
	defer server.Close()
	r := newRig(t, Target{URL: server.URL, Headers: map[string]string{"api-key": "s3cret"}})
	r.add(1)
	r.refused(t, "307 Temporary Redirect")
	if elsewhere.count() != 0 {
		t.Error("the push went elsewhere")
	}
}

func TestPushShowsNoSecrets(t *testing.T) {
	bothProtocols(t, func(t *testing.T, protocol string) {
		collector := startReceiver(t, protocol, nil)
		v := badRequest
		v.message = "bad key Bearer s3cret-token and s3cret-token and path-s3cret"
		collector.set(v)
		target := Target{URL: collector.url(), Headers: map[string]string{"authorization": "Bearer s3cret-token"}}
		if protocol == "http" {
			target.URL += "/path-s3cret"
		}
		r := newRig(t, target)
		r.add(1)
		err := r.ForceFlush(t.Context())
		if err == nil {
			t.Fatal("want an error")
		}
		for _, text := range []string{err.Error(), r.log.String()} {
			if strings.Contains(text, "s3cret-token") || protocol == "http" && strings.Contains(text, "/path-s3cret") {
				t.Errorf("a secret in %q", text)
			}
		}
	})
}

func TestPushShutdownExportsTheRest(t *testing.T) {
	bothProtocols(t, func(t *testing.T, protocol string) {
		collector := startReceiver(t, protocol, nil)
		r := newRig(t, Target{URL: collector.url()})
		r.add(9)
		errs := make(chan error)
		for range 4 {
			go func() { errs <- r.Shutdown(t.Context()) }()
		}
		for range 4 {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		if got := collector.last(t).value(t, "events"); got != 9 || collector.count() != 1 {
			t.Errorf("got %v events in %d requests, want 9 in 1", got, collector.count())
		}
		if err := r.ForceFlush(t.Context()); !errors.Is(err, ErrPushStopped) {
			t.Errorf("flush after the end: %v", err)
		}
	})
}

// TestPushShutdownIsBounded stops in front of a collector that is silent from
// the first byte, and one that takes the request and says nothing.
func TestPushShutdownIsBounded(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	bothProtocols(t, func(t *testing.T, protocol string) {
		hanging := startReceiver(t, protocol, nil)
		hanging.set(hang)
		for name, address := range map[string]string{"silent": silent.Addr().String(), "hanging": hanging.address} {
			t.Run(name, func(t *testing.T) {
				r := newRig(t, Target{URL: protocol + "://" + address, Timeout: time.Hour, ExportTimeout: time.Hour})
				r.add(1)
				// One export is under way and is given up for the last one.
				flushed := make(chan error, 1)
				go func() { flushed <- r.ForceFlush(context.Background()) }()
				if name == "hanging" {
					hanging.await(t, 1)
				}
				ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
				defer cancel()
				if err := r.Shutdown(ctx); err == nil {
					t.Error("shutdown without a word from the collector: want an error")
				}
				if err := <-flushed; err == nil {
					t.Error("flush: want an error")
				}
				<-r.done
			})
		}
	})
}

// TestPushShutdownDuringCallback: a callback that hangs holds neither Shutdown
// nor ForceFlush beyond their contexts, and the goroutine goes with it.
func TestPushShutdownDuringCallback(t *testing.T) {
	collector := startReceiver(t, "http", nil)
	r := newRig(t, Target{URL: collector.url()})
	release, entered := make(chan struct{}), make(chan struct{}, 10)
	gauge, err := r.provider.Meter("test").Int64ObservableGauge("stuck")
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.provider.Meter("test").RegisterCallback(func(context.Context, observer) error {
		entered <- struct{}{}
		<-release
		return nil
	}, gauge)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-entered
		cancel()
	}()
	if err := r.ForceFlush(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("flush: %v", err)
	}
	if err := r.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("shutdown: %v", err)
	}
	close(release)
	<-r.done
}

func TestPushSurvivesCallbacks(t *testing.T) {
	collector := startReceiver(t, "http", nil)
	r := newRig(t, Target{URL: collector.url()})
	panics, fails := true, true
	gauge, err := r.provider.Meter("test").Int64ObservableGauge("wild")
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.provider.Meter("test").RegisterCallback(func(_ context.Context, o observer) error {
		switch {
		case panics:
			panic("wild callback")
		case fails:
			return errors.New("no value")
		}
		o.ObserveInt64(gauge, 1)
		return nil
	}, gauge)
	if err != nil {
		t.Fatal(err)
	}
	r.add(2)
	r.refused(t, "collection panicked: wild callback")
	panics = false
	r.flushed(t) // an error of one callback costs only that callback's values
	if got := collector.last(t).value(t, "events"); got != 2 {
		t.Errorf("got %v events, want 2", got)
	}
	fails = false
	r.flushed(t)
	if got := collector.last(t).value(t, "wild"); got != 1 {
		t.Errorf("got %v, want 1", got)
	}
}

func TestPushThroughProvider(t *testing.T) {
	collector := startReceiver(t, "grpc", nil)
	r := newRig(t, Target{URL: collector.url()})
	r.add(1)
	if err := r.provider.ForceFlush(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.add(1)
	if err := r.provider.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := collector.last(t).value(t, "events"); got != 2 || collector.count() != 2 {
		t.Errorf("got %v events in %d requests, want 2 in 2", got, collector.count())
	}
}

func TestPushWithoutProvider(t *testing.T) {
	push, err := NewPush(Target{URL: "http://127.0.0.1:1"}, PushOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := push.ForceFlush(t.Context()); err != nil {
		t.Error(err)
	}
	if err := push.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestPushDelta(t *testing.T) {
	collector := startReceiver(t, "http", nil)
	r := newRig(t, Target{URL: collector.url(), Temporality: TemporalityDelta})
	var got []float64
	for _, n := range []int64{5, 3} {
		r.add(n)
		r.flushed(t)
		got = append(got, collector.last(t).value(t, "events"))
	}
	if got[0] != 5 || got[1] != 3 {
		t.Errorf("deltas %v, want 5 and 3", got)
	}
}
