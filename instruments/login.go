package instruments

// Logins, each of which is one SSH handshake.
var (
	// UserLogins is counted by instruments/ssh at the end of a handshake.
	UserLogins = counter(Spec{
		Name:      "user_login_total",
		Unit:      "{login}",
		Help:      "Logins of users that succeeded.",
		When:      "A handshake ends with the user let in; once, whatever keys and passwords it tried before.",
		Recorder:  "instruments/ssh",
		Component: componentAuthService,
	})

	// FailedLogins is counted by instruments/ssh; it includes CertificateMismatches.
	FailedLogins = counter(Spec{
		Name:      "failed_login_attempts_total",
		Unit:      "{attempt}",
		Help:      "Attempts to log in that failed for any cause, a mismatch of certificates among them.",
		When:      "A handshake in which the client tried to authenticate ends without a login; once, however many keys and passwords it tried.",
		Recorder:  "instruments/ssh",
		Component: componentProxy,
	})

	// CertificateMismatches is counted by instruments/ssh after FailedLogins, for the same login.
	CertificateMismatches = counter(Spec{
		Name:      "certificate_mismatch_total",
		Unit:      "{rejection}",
		Help:      "Logins that an SSH server turned down on account of the certificate presented.",
		When:      "The server refused a certificate during a handshake that failed_login_attempts_total has counted.",
		Recorder:  "instruments/ssh",
		Component: componentTeleport,
	})
)
