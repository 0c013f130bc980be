// Package harness runs the telltale command for the interoperability tests.
//
// It builds the command once in each test binary, from the sources beside this module and with the race detector
// whenever the tests themselves run with it, starts it as a process of its own with a clean environment, and reads
// what everybody else reads: its log, /metrics and /readyz. Stopping a process is a check as well: it must end with
// status 0 on SIGTERM, and nothing in its output may speak of a data race or a panic.
//
// Nothing here sleeps for a fixed time. [Await] polls a condition up to a deadline that is meant for slow machines;
// no test passes or fails by how long something took, unless the contract itself names the time.
package harness
