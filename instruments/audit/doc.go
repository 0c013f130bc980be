// Package audit makes the metrics of an audit log move: the events that go
// through its emitter, the disk it lies on, and the files it has open.
//
//	events := audit.Wrap(registry, emitter)            // instead of emitter
//	monitor := audit.MonitorDisk(registry, dir, audit.DiskOptions{})
//	defer monitor.Close()
//	files := audit.NewFiles(registry)
//	f, err := files.OpenFile(name, flag, perm)         // instead of os.OpenFile
//
// The three do not need each other. With a nil registry nothing is recorded,
// and everything else works all the same.
//
// # What each metric means here
//
//   - teleport_audit_emit_events: calls of Emit, counted when they begin.
//   - audit_failed_emit_events: those calls that returned an error or did not
//     return, counted when that is known and after the call itself. An emitter
//     that tries again by itself is wrapped outside of that: an event is one
//     call.
//   - audit_percentage_disk_space_used: what df shows as Use%. That is the used
//     space in percent of the used and the available. Space that is reserved,
//     for root or by a quota, is not available: at 100 nothing more fits. When
//     a check fails the value before it stays.
//   - audit_failed_disk_monitoring: checks that failed, or that were not back
//     when the next was due.
//   - audit_server_open_files: files opened through [Files] and not closed.
package audit
