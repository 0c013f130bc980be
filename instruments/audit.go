package instruments

// What the audit log of the auth service goes through.
var (
	// AuditEvents is counted by the emitter, together with each attempt.
	AuditEvents = counter(Spec{
		Name:      "teleport_audit_emit_events",
		Unit:      "{event}",
		Help:      "Audit events that the service tried to emit, with or without success.",
		When:      "An audit event is handed to the emitter; counted once per event, before its outcome is known.",
		Recorder:  "instruments/audit",
		Component: componentAuditLog,
	})

	// AuditEventsFailed is counted by the emitter after AuditEvents, for the same event.
	AuditEventsFailed = counter(Spec{
		Name:      "audit_failed_emit_events",
		Unit:      "{event}",
		Help:      "Audit events that were lost on emission, because they were refused or could not be stored.",
		When:      "The emitter gives up on an audit event that teleport_audit_emit_events has counted.",
		Recorder:  "instruments/audit",
		Component: componentAuditLog,
	})

	// AuditDiskChecksFailed is counted by the loop that sets AuditDiskUsed.
	AuditDiskChecksFailed = counter(Spec{
		Name:      "audit_failed_disk_monitoring",
		Unit:      "{failure}",
		Help:      "Failed attempts to find out how full the disk of the audit log is.",
		When:      "The periodic check of the audit log's file system returns an error, or is not back when the next is due.",
		Recorder:  "instruments/audit",
		Component: componentAuditLog,
	})

	// AuditDiskUsed is set by the loop that checks the disk, in percent.
	AuditDiskUsed = gauge(Spec{
		Name:      "audit_percentage_disk_space_used",
		Unit:      "%",
		Help:      "How full the file system of the audit log is, in percent from 0 to 100.",
		When:      "The periodic check of the audit log's file system succeeds.",
		Recorder:  "instruments/audit",
		Component: componentAuditLog,
	})

	// AuditOpenFiles is moved by the code that opens and closes the files.
	AuditOpenFiles = gauge(Spec{
		Name:      "audit_server_open_files",
		Unit:      "{file}",
		Help:      "Files of the audit log that are open at the moment.",
		When:      "One is added when the audit log opens a file and taken away when it closes it.",
		Recorder:  "instruments/audit",
		Component: componentAuditLog,
	})
)
