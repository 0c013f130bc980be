package prometheus

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/telltale-agent/telltale/interop/internal/harness"
	"github.com/telltale-agent/telltale/interop/internal/promserver"
)

// TestREADMEConfig gives the server the configuration that stands in the README. Only how often it scrapes is changed:
// nobody wants to wait a minute.
func TestREADMEConfig(t *testing.T) {
	t.Parallel()
	root, err := harness.Root()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "\n```yaml\n")
	config, _, found := strings.Cut(rest, "\n```\n")
	if !found {
		t.Fatal("the README shows no configuration")
	}
	often := strings.TrimSuffix(promserver.Jobs(), "scrape_configs:\n")
	s := startServer(t, harness.Start(t).Addr(), often+config)
	first := s.Scrapes(t, "telltale", 1)[0].At
	for _, row := range harness.ReadDocumented(t) {
		s.checkFirstScrape(t, row, "telltale", first)
	}
}
