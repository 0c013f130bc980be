// Package promserver runs the parts of a Prometheus server that scrape, store and answer queries.
package promserver

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	client "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/scrape"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/telltale-agent/telltale/interop/internal/harness"
)

// Server is a Prometheus server without its web pages: it scrapes, stores and answers queries.
type Server struct {
	Config  *config.Config
	DB      *tsdb.DB
	manager *scrape.Manager
	engine  *promql.Engine
}

// Start runs a server with a configuration file's text until the test ends. Every job scrapes target.
func Start(t testing.TB, target, text string) *Server {
	t.Helper()
	logger := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))
	cfg, err := config.Load(text, logger)
	if err != nil {
		t.Fatalf("load the configuration: %v", err)
	}
	db, err := tsdb.Open(t.TempDir(), logger, client.NewRegistry(), tsdb.DefaultOptions(), nil)
	if err != nil {
		t.Fatalf("open the storage: %v", err)
	}
	manager, err := scrape.NewManager(&scrape.Options{DiscoveryReloadOnStartup: true}, logger, nil, nil, db, client.NewRegistry())
	if err != nil {
		t.Fatalf("make the scrape manager: %v", err)
	}
	if err := manager.ApplyConfig(cfg); err != nil {
		t.Fatalf("apply the configuration: %v", err)
	}
	targets := make(chan map[string][]*targetgroup.Group, 1)
	targets <- groups(cfg, target)
	done := make(chan error, 1)
	go func() { done <- manager.Run(targets) }()
	s := &Server{Config: cfg, DB: db, manager: manager, engine: newEngine(logger)}
	t.Cleanup(func() {
		manager.Stop()
		if err := <-done; err != nil {
			t.Errorf("scrape manager: %v", err)
		}
		if err := s.engine.Close(); err != nil {
			t.Errorf("close the query engine: %v", err)
		}
		if err := db.Close(); err != nil {
			t.Errorf("close the storage: %v", err)
		}
	})
	return s
}

// newEngine is a query engine as the server sets it up.
func newEngine(logger *slog.Logger) *promql.Engine {
	return promql.NewEngine(promql.EngineOpts{
		Logger:               logger,
		MaxSamples:           50_000_000,
		Timeout:              harness.Patience,
		LookbackDelta:        5 * time.Minute,
		EnableAtModifier:     true,
		EnableNegativeOffset: true,
		Parser:               parser.NewParser(parser.Options{}),
	})
}

// groups makes target the one target of every job.
func groups(cfg *config.Config, target string) map[string][]*targetgroup.Group {
	groups := map[string][]*targetgroup.Group{}
	for _, job := range cfg.ScrapeConfigs {
		groups[job.JobName] = []*targetgroup.Group{{
			Source:  "test",
			Targets: []model.LabelSet{{model.AddressLabel: model.LabelValue(target)}},
		}}
	}
	return groups
}

// Query runs an instant query that gives a vector.
func (s *Server) Query(text string, at time.Time) (promql.Vector, error) {
	ctx := context.Background()
	q, err := s.engine.NewInstantQuery(ctx, s.DB, nil, text, at)
	if err != nil {
		return nil, fmt.Errorf("query %s: %w", text, err)
	}
	defer q.Close()
	vector, err := q.Exec(ctx).Vector()
	if err != nil {
		return nil, fmt.Errorf("query %s: %w", text, err)
	}
	// The samples belong to the query, which ends here.
	own := make(promql.Vector, len(vector))
	for i, sample := range vector {
		sample.Metric = sample.Metric.Copy()
		if sample.H != nil {
			sample.H = sample.H.Copy()
		}
		own[i] = sample
	}
	return own, nil
}

// MustQuery is Query that fails the test.
func (s *Server) MustQuery(t testing.TB, text string, at time.Time) promql.Vector {
	t.Helper()
	vector, err := s.Query(text, at)
	if err != nil {
		t.Fatal(err)
	}
	return vector
}

// Point is one stored sample.
type Point struct {
	At    time.Time
	Value float64
}

// Stored reads the raw samples of the one series that the matchers (pairs of names and values) select, stale markers
// included, oldest first.
func (s *Server) Stored(t testing.TB, name string, matchers ...string) []Point {
	t.Helper()
	querier, err := s.DB.Querier(0, time.Now().Add(time.Hour).UnixMilli())
	if err != nil {
		t.Fatalf("open the storage for reading: %v", err)
	}
	defer func() { _ = querier.Close() }()
	selector := []*labels.Matcher{labels.MustNewMatcher(labels.MatchEqual, model.MetricNameLabel, name)}
	for i := 0; i+1 < len(matchers); i += 2 {
		selector = append(selector, labels.MustNewMatcher(labels.MatchEqual, matchers[i], matchers[i+1]))
	}
	var points []Point
	set := querier.Select(context.Background(), false, nil, selector...)
	for series := 0; set.Next(); series++ {
		if series > 0 {
			t.Fatalf("more than one series is %s%q", name, matchers)
		}
		samples := set.At().Iterator(nil)
		for samples.Next() == chunkenc.ValFloat {
			at, value := samples.At()
			points = append(points, Point{time.UnixMilli(at), value})
		}
	}
	if err := set.Err(); err != nil {
		t.Fatalf("read %s: %v", name, err)
	}
	return points
}

// Scrapes waits until a job has scraped n times, all of them successfully, and returns when.
func (s *Server) Scrapes(t testing.TB, job string, n int) []Point {
	t.Helper()
	var ups []Point
	harness.Await(t, fmt.Sprintf("scrape %d of job %s", n, job), func() error {
		if ups = s.Stored(t, "up", "job", job); len(ups) < n {
			return fmt.Errorf("%d scrapes so far", len(ups))
		}
		return nil
	})
	for _, up := range ups {
		if up.Value != 1 {
			t.Fatalf("job %s: up is %v at %v: %v", job, up.Value, up.At, s.Target(t, job).LastError())
		}
	}
	return ups
}

// Target is the one target of a job.
func (s *Server) Target(t testing.TB, job string) *scrape.Target {
	t.Helper()
	targets := s.manager.TargetsActive()[job]
	if len(targets) != 1 {
		t.Fatalf("job %s has %d targets, want 1", job, len(targets))
	}
	return targets[0]
}

// Jobs writes a configuration with one job for each pair of a name and its settings, which are lines of YAML.
func Jobs(pairs ...string) string {
	var b strings.Builder
	// Three seconds are enough for a scrape of a process under the race detector, on a machine that has other things to do.
	b.WriteString("global: {scrape_interval: 3s, scrape_timeout: 3s}\nscrape_configs:\n")
	for i := 0; i+1 < len(pairs); i += 2 {
		fmt.Fprintf(&b, "- job_name: %s\n", pairs[i])
		for line := range strings.Lines(pairs[i+1]) {
			fmt.Fprintf(&b, "  %s\n", strings.TrimSpace(line))
		}
	}
	return b.String()
}
