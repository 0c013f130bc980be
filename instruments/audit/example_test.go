package audit_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/telltale-agent/telltale/instruments"
	"github.com/telltale-agent/telltale/instruments/audit"
)

// Login is an event of the example's audit log.
type Login struct {
	User string
}

// An audit log that is one file.
func Example() {
	reader := sdkmetric.NewManualReader() // an agent has its own: agent.Instruments()
	registry, err := instruments.New(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer registry.Close()

	dir, err := os.MkdirTemp("", "audit")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	monitor := audit.MonitorDisk(registry, dir, audit.DiskOptions{})
	defer monitor.Close()

	file, err := audit.NewFiles(registry).Create(filepath.Join(dir, "events.json"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer file.Close()
	lines := json.NewEncoder(file)
	log := audit.Wrap(registry, audit.EmitterFunc[Login](func(_ context.Context, login Login) error {
		if login.User == "" {
			return errors.New("a login without a user")
		}
		return lines.Encode(login)
	}))

	for _, user := range []string{"alice", "", "bob"} {
		if err := log.Emit(context.Background(), Login{User: user}); err != nil {
			fmt.Println(err)
		}
	}
	show(reader)
	// Output:
	// a login without a user
	// audit_failed_emit_events 1
	// audit_server_open_files 1
	// teleport_audit_emit_events 3
}

// show prints what a collection finds of the log.
func show(reader *sdkmetric.ManualReader) {
	var data metricdata.ResourceMetrics
	if err := reader.Collect(context.Background(), &data); err != nil {
		fmt.Println(err)
	}
	values := make(map[string]float64)
	for _, m := range data.ScopeMetrics[0].Metrics {
		switch d := m.Data.(type) {
		case metricdata.Sum[float64]:
			values[m.Name] = d.DataPoints[0].Value
		case metricdata.Gauge[float64]:
			values[m.Name] = d.DataPoints[0].Value
		}
	}
	for _, name := range []string{"audit_failed_emit_events", "audit_server_open_files", "teleport_audit_emit_events"} {
		fmt.Println(name, values[name])
	}
}
