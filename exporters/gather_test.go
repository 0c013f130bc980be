package exporters

import (
	"context"
	"errors"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	dto "github.com/prometheus/client_model/go"

	"github.com/telltale-agent/telltale/instruments"
)

// slowGather is a gatherer whose collections take a while and number themselves.
type slowGather struct {
	*gatherer
	took      time.Duration
	deadlines []time.Duration // from the begin of each collection
}

func newSlowGather(took time.Duration) *slowGather {
	s := &slowGather{took: took}
	s.gatherer = newGatherer(func(deadline time.Time) ([]*dto.MetricFamily, error) {
		s.deadlines = append(s.deadlines, time.Until(deadline))
		name := strconv.Itoa(len(s.deadlines))
		time.Sleep(s.took)
		return []*dto.MetricFamily{{Name: &name}}, nil
	})
	return s
}

// call scrapes in a goroutine; the number of the collection that served it, or
// the error, and the time that took come out of the channel.
func (s *slowGather) call(timeout time.Duration) <-chan gathered {
	out := make(chan gathered, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), timeout)
		defer cancel()
		begin := time.Now()
		families, joined, err := s.gather(ctx)
		result := gathered{joined: joined, err: err, took: time.Since(begin)}
		if len(families) > 0 {
			result.from = families[0].GetName()
		}
		out <- result
	}()
	synctest.Wait()
	return out
}

type gathered struct {
	from   string
	joined bool
	err    error
	took   time.Duration
}

func (g gathered) check(t *testing.T, name string, want gathered) {
	t.Helper()
	if g.from != want.from || g.joined != want.joined || !errors.Is(g.err, want.err) || g.took != want.took {
		t.Errorf("%s: got %+v, want %+v", name, g, want)
	}
}

func TestGatherIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlowGather(time.Second)
		first := s.call(10 * time.Second)
		time.Sleep(600 * time.Millisecond)
		second, third := s.call(9*time.Second), s.call(8*time.Second)
		time.Sleep(200 * time.Millisecond)
		fourth := s.call(10 * time.Second)

		(<-first).check(t, "first", gathered{from: "1", took: time.Second})
		(<-second).check(t, "second", gathered{from: "2", took: 1400 * time.Millisecond})
		(<-third).check(t, "third", gathered{from: "2", joined: true, took: 1400 * time.Millisecond})
		(<-fourth).check(t, "fourth", gathered{from: "2", joined: true, took: 1200 * time.Millisecond})
		(<-s.call(5 * time.Second)).check(t, "fifth", gathered{from: "3", took: time.Second})

		// The second collection began 0.4 s after those that it served.
		for i, want := range []time.Duration{10 * time.Second, 7600 * time.Millisecond, 5 * time.Second} {
			if s.deadlines[i] != want {
				t.Errorf("collection %d had %v, want %v", i+1, s.deadlines[i], want)
			}
		}
	})
}

func TestGatherEndsByTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlowGather(5 * time.Second)
		first := s.call(time.Second)
		hurried, patient := s.call(2*time.Second), s.call(20*time.Second)
		(<-first).check(t, "first", gathered{err: errTooLate, took: time.Second})
		(<-hurried).check(t, "hurried", gathered{err: errTooLate, took: 2 * time.Second})
		last := s.call(time.Second) // has gone when the collection begins
		(<-last).check(t, "last", gathered{joined: true, err: errTooLate, took: time.Second})
		(<-patient).check(t, "patient", gathered{from: "2", joined: true, took: 10 * time.Second})
		if got := s.deadlines[1]; got != 15*time.Second {
			t.Errorf("the collection had %v, want what the patient one had left, 15s", got)
		}
	})
}

func TestGatherGivesUpWhenNobodyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlowGather(5 * time.Second)
		for range 100 {
			(<-s.call(40 * time.Millisecond)).check(t, "call", gathered{err: errTooLate, took: 40 * time.Millisecond})
		}
		time.Sleep(time.Minute)
		if len(s.deadlines) != 1 {
			t.Errorf("%d collections, want the first only", len(s.deadlines))
		}
	})
}

func TestGatherLeavesAMinimum(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlowGather(990 * time.Millisecond)
		first := s.call(10 * time.Second)
		hurried, patient := s.call(time.Second), s.call(10*time.Second)
		<-first
		(<-hurried).check(t, "hurried", gathered{err: errTooLate, took: time.Second})
		(<-patient).check(t, "patient", gathered{from: "2", joined: true, took: 1980 * time.Millisecond})
		if s.deadlines[1] != minCollection {
			t.Errorf("the collection had %v, want %v", s.deadlines[1], minCollection)
		}
	})
}

func TestGatherStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlowGather(3 * time.Second)
		first, second := s.call(10*time.Second), s.call(10*time.Second)
		time.Sleep(time.Second)
		idle := s.stop()
		(<-first).check(t, "running", gathered{err: errStopped, took: time.Second})
		(<-second).check(t, "waiting", gathered{err: errStopped, took: time.Second})
		(<-s.call(time.Second)).check(t, "late", gathered{err: errStopped})
		begin := time.Now()
		<-idle
		if took := time.Since(begin); took != 2*time.Second {
			t.Errorf("idle after %v, want 2s: when the collection ends", took)
		}
		<-s.stop()
		if len(s.deadlines) != 1 {
			t.Errorf("%d collections, want 1", len(s.deadlines))
		}
	})
}

// TestScrapeShowsWhatHappenedBefore is why collections are not shared with
// scrapes that arrive while they run.
func TestScrapeShowsWhatHappenedBefore(t *testing.T) {
	b := newBridge(t, PrometheusOptions{})
	var sampled atomic.Int64
	defer b.registry.Observe("sampled", func(_ context.Context, o *instruments.Observation) {
		scrapedSampled.Observe(o, float64(sampled.Load()))
	})()
	counter, gauge, histogram := scrapedCounter.In(b.registry), scrapedGaugeBy.In(b.registry), scrapedHistogram.In(b.registry)
	var events, values atomic.Int64
	var wg sync.WaitGroup
	for worker := range 6 {
		wg.Go(func() {
			labels := scrapedLabels{"get", strconv.Itoa(worker)}
			for n := range 30 {
				counter.Inc()
				leastEvents := events.Add(1)
				gauge.Set(float64(n), labels)
				histogram.Record(1)
				leastValues := values.Add(1)
				leastSampled := sampled.Add(1)
				got := parseScrape(t, b.get("/metrics").Body.String())
				if v := got.value(t, "scrapetest_events"); v < float64(leastEvents) {
					t.Errorf("%v events are shown, %d happened before", v, leastEvents)
				}
				if v := got.value(t, "scrapetest_open", "method", "get", "path", labels.Path); v != float64(n) {
					t.Errorf("the gauge shows %v, was set to %d before", v, n)
				}
				if v := got.series("scrapetest_seconds").Histogram.GetSampleCount(); v < uint64(leastValues) {
					t.Errorf("%d values are shown, %d were recorded before", v, leastValues)
				}
				if v := got.value(t, "scrapetest_sampled"); v < float64(leastSampled) {
					t.Errorf("the source shows %v, was at %d before", v, leastSampled)
				}
			}
		})
	}
	wg.Wait()
	b.scrape(t)
}

// TestFirstValueWhileScraping records the first value of many histograms while
// they are scraped: each series is there exactly once at every scrape, and no
// count goes back.
func TestFirstValueWhileScraping(t *testing.T) {
	for round := range 20 {
		b := newBridge(t, PrometheusOptions{})
		var begun atomic.Int64 // scrapes
		only, by := scrapedHistogram.In(b.registry), scrapedHistogramBy.In(b.registry)
		stop := make(chan struct{})
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				last := make(map[string]uint64)
				for {
					begun.Add(1)
					got := parseScrape(t, b.get("/metrics").Body.String()) // checks that no series is doubled
					got.checkDeclared(t)
					for _, name := range []string{"scrapetest_seconds", "scrapetest_sizes"} {
						for _, m := range got[name].GetMetric() {
							key, count := name+labelKey(m), m.Histogram.GetSampleCount()
							if count < last[key] {
								t.Errorf("%s went back from %d to %d", key, last[key], count)
							}
							last[key] = count
						}
					}
					if len(got["scrapetest_sizes"].GetMetric()) < 2 {
						t.Error("a known label set is missing")
					}
					select {
					case <-stop:
						return
					default:
					}
				}
			})
		}
		for n := range int64(3) {
			for begun.Load() < 3*n+int64(round%3) {
				runtime.Gosched()
			}
			only.Record(1)
			by.Record(1, scrapedLabels{"put", "b"})
			by.Record(1, scrapedLabels{"new", "b"})
			by.Record(1, scrapedLabels{"get", "b"})
		}
		close(stop)
		wg.Wait()
		if got := b.scrape(t).series("scrapetest_seconds").Histogram.GetSampleCount(); got != 3 {
			t.Errorf("got %d values, want 3", got)
		}
	}
}

// TestWritersAndScrapers is for the race detector.
func TestWritersAndScrapers(t *testing.T) {
	b := newBridge(t, PrometheusOptions{})
	foreign, err := b.foreign().Float64Histogram("embedder.seconds")
	if err != nil {
		t.Fatal(err)
	}
	var writers, scrapers sync.WaitGroup
	stop := make(chan struct{})
	for worker := range 4 {
		writers.Go(func() {
			for n := range 2000 {
				labels := scrapedLabels{"get", strconv.Itoa(n % 50)}
				scrapedCounterBy.In(b.registry).Add(1, labels)
				scrapedGaugeBy.In(b.registry).Set(float64(n), labels)
				scrapedHistogramBy.In(b.registry).Record(float64(n), labels)
				foreign.Record(context.Background(), float64(n))
				if n%100 == worker {
					scrapedGaugeBy.In(b.registry).Forget(labels)
				}
			}
		})
	}
	for worker := range 3 {
		scrapers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				decode(t, b.get("/metrics", "Accept", acceptHeaders[worker%2].accept)).checkDeclared(t)
			}
		})
	}
	writers.Wait()
	close(stop)
	scrapers.Wait()
	got := b.scrape(t)
	var sum float64
	for _, m := range got["scrapetest_requests_total"].Metric {
		sum += m.Counter.GetValue()
	}
	if sum != 8000 {
		t.Errorf("got %v requests, want 8000", sum)
	}
}
