package instrumentstest_test

import (
	"fmt"
	"time"

	"github.com/telltale-agent/telltale/instruments"
	"github.com/telltale-agent/telltale/instruments/instrumentstest"
)

// A runnable example shows what has been recorded. A test begins with New in
// place of Open, and compares with Want or WantRecorded.
func ExampleOpen() {
	exit := instrumentstest.Open()
	defer exit.Close()

	reads := instruments.BackendReadSeconds.In(exit.Registry)
	reads.Record((2 * time.Millisecond).Seconds(), instruments.Store{Component: instruments.StoreCache})
	instruments.UserLogins.In(exit.Registry).Inc()

	fmt.Print(exit.Show("backend_", "user_"))
	// Output:
	// backend_read_seconds_count{cache} 1
	// user_login_total 1
}
