// Package process makes the process_* metrics move: CPU time, memory, file
// descriptors, limits and start of the process, read from /proc whenever
// somebody collects. Between collections it costs nothing.
//
// process_state is none of them; the agent derives it from health.
package process
