package audit_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/telltale-agent/telltale/instruments/audit"
	"github.com/telltale-agent/telltale/instruments/instrumentstest"
)

// Login is an event of the example's audit log.
type Login struct {
	User string
}

// An audit log that is one file.
func Example() {
	exit := instrumentstest.Open() // a program has an agent: agent.Instruments()
	defer exit.Close()

	dir, err := os.MkdirTemp("", "audit")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	monitor := audit.MonitorDisk(exit.Registry, dir, audit.DiskOptions{})
	defer monitor.Close()

	file, err := audit.NewFiles(exit.Registry).Create(filepath.Join(dir, "events.json"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer file.Close()
	lines := json.NewEncoder(file)
	log := audit.Wrap(exit.Registry, audit.EmitterFunc[Login](func(_ context.Context, login Login) error {
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
	fmt.Print(exit.Show("audit_failed_emit", "audit_server", "teleport_audit"))
	// Output:
	// a login without a user
	// audit_failed_emit_events 1
	// audit_server_open_files 1
	// teleport_audit_emit_events 3
}
