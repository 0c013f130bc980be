package exporters

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// script is wires whose exports go as a list says, and when each was tried.
// What is beyond the list succeeds.
type script struct {
	start  time.Time
	steps  []step
	tried  []time.Duration // since start
	values []int64         // of the counter, of every export that was taken
	dials  int
	closed int
}

type step func(ctx context.Context, a *answer) error

func (s *script) dial() (*wire, error) {
	s.dials++
	return &wire{export: s.export, close: func() { s.closed++ }}, nil
}

func (s *script) export(ctx context.Context, rm *metricdata.ResourceMetrics) error {
	s.tried = append(s.tried, time.Since(s.start))
	a := answerFrom(ctx)
	if len(s.steps) > 0 {
		next := s.steps[0]
		s.steps = s.steps[1:]
		return next(ctx, a)
	}
	*a = answer{given: true, httpStatus: 200}
	s.values = append(s.values, rm.ScopeMetrics[0].Metrics[0].Data.(metricdata.Sum[int64]).DataPoints[0].Value)
	return nil
}

func says(status int, retryAfter time.Duration) step {
	return func(_ context.Context, a *answer) error {
		*a = answer{given: true, httpStatus: status, retryAfter: retryAfter}
		return fmt.Errorf("status %d", status)
	}
}

func refuses(context.Context, *answer) error { return syscall.ECONNREFUSED }

func hangs(ctx context.Context, _ *answer) error {
	<-ctx.Done()
	return ctx.Err()
}

func breaks(context.Context, *answer) error { return syscall.ECONNRESET }

func panics(context.Context, *answer) error { panic("inside the exporter") }

// TestPushRetries plays the life of a push in virtual time: cycles every 60 s,
// 10 s for an export.
func TestPushRetries(t *testing.T) {
	rows := []struct {
		name  string
		steps []step
		// when attempts are made: whole seconds, of which a third may be
		// missing or too many, since waiting times are random
		want []time.Duration
		log  string
	}{
		{"all well", nil, []time.Duration{60, 120, 180}, ""},
		{"one refusal", []step{refuses}, []time.Duration{60, 61, 120, 180}, ""},
		{"refusals for a cycle", []step{refuses, refuses, refuses, refuses}, []time.Duration{60, 61, 63, 67, 120, 180}, "refused"},
		{"unavailable", []step{says(503, 0), says(502, 0), says(504, 0)}, []time.Duration{60, 61, 63, 67, 120, 180}, ""},
		{"hangs", []step{hangs}, []time.Duration{60, 120, 180}, "timeout"},
		{"rejects", []step{says(400, 0)}, []time.Duration{60, 120, 180}, "rejected"},
		{"out of its mind", []step{says(500, 0)}, []time.Duration{60, 120, 180}, "other"},
		{"panics", []step{panics}, []time.Duration{60, 120, 180}, "other"},
		{"short throttle", []step{says(429, 5*time.Second)}, []time.Duration{60, 65, 120, 180}, ""},
		{"throttle beyond the timeout", []step{says(429, 30*time.Second)}, []time.Duration{60, 120, 180}, "throttled"},
		{"throttle beyond the interval", []step{says(429, 90*time.Second)}, []time.Duration{60, 180}, "throttled"},
		{"unavailable for long", []step{says(503, 90*time.Second)}, []time.Duration{60, 180}, "unavailable"},
		{"connection gone after a success", []step{nil, breaks}, []time.Duration{60, 120, 120, 180}, ""},
		{"connection gone for good", []step{breaks}, []time.Duration{60, 61, 120, 180}, ""},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{start: time.Now()}
				for _, step := range row.steps {
					if step == nil {
						step = func(_ context.Context, a *answer) error {
							*a = answer{given: true, httpStatus: 200}
							return nil
						}
					}
					s.steps = append(s.steps, step)
				}
				r := newRigOver(t, Target{URL: "http://collector", Interval: time.Minute}, s.dial)
				r.add(1)
				time.Sleep(3*time.Minute + 30*time.Second)
				synctest.Wait()
				if !about(s.tried, row.want) {
					t.Errorf("tried at %v, want about %v", s.tried, row.want)
				}
				got := r.log.count("push to collector fails")
				if row.log == "" && got != 0 || row.log != "" && (got != 1 || r.log.count("reason="+row.log) != 1 || r.log.count("works again") != 1) {
					t.Errorf("want trouble %q in the log:\n%s", row.log, r.log)
				}
				if s.dials != s.closed+1 {
					t.Errorf("%d wires, %d closed, want all but one", s.dials, s.closed)
				}
			})
		})
	}
}

// about compares times of attempts with seconds.
func about(got []time.Duration, want []time.Duration) bool {
	if len(got) != len(want) {
		return false
	}
	for i, g := range got {
		w := want[i] * time.Second
		if slack := (w % time.Minute) / 3; g < w-slack || g > w+slack {
			return false
		}
	}
	return true
}

// TestPushHangNeverStacks: exports that take longer than the interval skip
// intervals; there is never more than one, and no count is lost.
func TestPushHangNeverStacks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{start: time.Now(), steps: []step{hangs, hangs}}
		r := newRigOver(t, Target{URL: "grpc://collector", Interval: time.Second}, s.dial)
		for range 30 {
			r.add(1)
			time.Sleep(time.Second)
		}
		synctest.Wait()
		if len(s.values) == 0 || s.values[len(s.values)-1] < 29 {
			t.Errorf("delivered %v, want nearly 30 in the end", s.values)
		}
		if len(s.tried) < 3 || s.tried[1] < 11*time.Second || s.tried[2] < 21*time.Second {
			t.Errorf("tried at %v, want 10 s for each that hangs", s.tried)
		}
		for i := 1; i < len(s.values); i++ {
			if s.values[i] < s.values[i-1] {
				t.Errorf("a total falls: %v", s.values)
			}
		}
	})
}

func TestPushShutdownGivesUpRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{start: time.Now()}
		for range 100 {
			s.steps = append(s.steps, refuses)
		}
		r := newRigOver(t, Target{URL: "http://collector"}, s.dial)
		r.add(1)
		flushed := make(chan error, 1)
		go func() { flushed <- r.ForceFlush(context.Background()) }()
		time.Sleep(100 * time.Millisecond) // in the wait before the second attempt
		before := time.Now()
		err := r.Shutdown(context.Background())
		if err == nil || !strings.Contains(err.Error(), "connection refused") {
			t.Errorf("shutdown: %v", err)
		}
		if took := time.Since(before); took != 0 {
			t.Errorf("shutdown in front of a closed port took %v, want no time at all", took)
		}
		if err := <-flushed; !errors.Is(err, ErrPushStopped) {
			t.Errorf("flush: %v", err)
		}
		if len(s.tried) != 2 {
			t.Errorf("%d attempts, want one for the flush and one at the end", len(s.tried))
		}
	})
}

func TestRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := func(d time.Duration) string {
			return time.Now().Add(d).UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT")
		}
		for value, want := range map[string]time.Duration{
			"": 0, "0": 0, "7": 7 * time.Second, "-1": 0, "1.5": 0, "soon": 0, "99999999999999999999": 0,
			in(time.Minute): time.Minute, in(-time.Minute): 0,
		} {
			if got := retryAfter(value); got != want {
				t.Errorf("%q: got %v, want %v", value, got, want)
			}
		}
	})
}

// TestPushSilencedAtMost: no collector can silence the push for long.
func TestPushSilencedAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{start: time.Now(), steps: []step{says(429, 1000*time.Hour)}}
		r := newRigOver(t, Target{URL: "http://collector", Interval: time.Minute}, s.dial)
		r.add(1)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if len(s.tried) < 2 || s.tried[1] > 7*time.Minute {
			t.Errorf("tried at %v, want again after %v", s.tried, maxThrottle)
		}
	})
}
