package instruments

import (
	"strings"
	"testing"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
)

func TestEscapeName(t *testing.T) {
	for _, row := range []struct{ name, want string }{
		{"requests", "requests"},
		{"http.server.requests", "http_server_requests"},
		{"a-b/c", "a_b_c"},
		{"a..b", "a_b"},
		{"a.-/b", "a_b"},
		{"a.", "a"},
		{"a//", "a"},
		{"a__b_", "a__b_"},
		{"a_.b", "a__b"},
	} {
		if got := escapeName(row.name); got != row.want {
			t.Errorf("%q is shown as %q, want %q", row.name, got, row.want)
		}
	}
}

// TestForeignNameShownAsDeclared creates instruments whose names differ from
// that of a declared metric, but would come out as it.
func TestForeignNameShownAsDeclared(t *testing.T) {
	registry, err := New(sdkmetric.NewMeterProvider())
	if err != nil {
		t.Fatal(err)
	}
	defer registry.Close()
	meter := registry.MeterProvider().Meter("embedder")
	for _, name := range []string{
		"telltale.scrapes.coalesced.total", "telltale_scrapes_coalesced_total.", "Telltale//scrapes--coalesced_total",
		"telltale_scrape_duration_seconds.count",
	} {
		if _, err := meter.Int64Counter(name); err == nil || !strings.Contains(err.Error(), "the name belongs to the") {
			t.Errorf("%q: got %v, want that the name is taken", name, err)
		}
	}
}

func TestLabelsThatScrapesWouldRename(t *testing.T) {
	type double struct {
		Room string `label:"room__name"`
	}
	type only struct {
		Room string `label:"_"`
	}
	spec := Spec{Name: "test_renamed_labels", Help: "Never declared."}
	if _, err := DeclareCounterBy[double](spec); err == nil {
		t.Error("a label with two underscores in a row is accepted; scrapes show it with one")
	}
	if _, err := DeclareCounterBy[only](spec); err == nil {
		t.Error("a label that is one underscore is accepted; no scrape shows it")
	}
}
