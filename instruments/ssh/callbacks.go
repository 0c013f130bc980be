package ssh

import (
	gossh "golang.org/x/crypto/ssh"
)

// Callbacks that are nil stay nil, since x/crypto reads from that what the
// server offers; all but the log, which offers nothing.

// measure returns a copy of config whose callbacks tell h what they see.
func (h *handshake) measure(config *gossh.ServerConfig) *gossh.ServerConfig {
	measured := *config
	next := h.measureNext(gossh.ServerAuthCallbacks{
		PasswordCallback:            config.PasswordCallback,
		PublicKeyCallback:           config.PublicKeyCallback,
		KeyboardInteractiveCallback: config.KeyboardInteractiveCallback,
		GSSAPIWithMICConfig:         config.GSSAPIWithMICConfig,
	})
	measured.PasswordCallback = next.PasswordCallback
	measured.PublicKeyCallback = next.PublicKeyCallback
	measured.KeyboardInteractiveCallback = next.KeyboardInteractiveCallback
	measured.GSSAPIWithMICConfig = next.GSSAPIWithMICConfig
	measured.NoClientAuthCallback = h.measureNone(config.NoClientAuthCallback)
	measured.VerifiedPublicKeyCallback = h.measureVerified(config.VerifiedPublicKeyCallback)
	measured.AuthLogCallback = h.measureLog(config.AuthLogCallback)
	return &measured
}

func (h *handshake) measureLog(callback logCallback) logCallback {
	return func(conn gossh.ConnMetadata, method string, err error) {
		h.logged(method, err)
		if callback != nil {
			callback(conn, method, h.original(err))
		}
	}
}

// measureNext does the same for the callbacks that may follow a partial success.
func (h *handshake) measureNext(next gossh.ServerAuthCallbacks) gossh.ServerAuthCallbacks {
	return gossh.ServerAuthCallbacks{
		PasswordCallback:            h.measurePassword(next.PasswordCallback),
		PublicKeyCallback:           h.measurePublicKey(next.PublicKeyCallback),
		KeyboardInteractiveCallback: h.measureKeyboard(next.KeyboardInteractiveCallback),
		GSSAPIWithMICConfig:         h.measureGSSAPI(next.GSSAPIWithMICConfig),
	}
}

type (
	logCallback      = func(conn gossh.ConnMetadata, method string, err error)
	noneCallback     = func(gossh.ConnMetadata) (*gossh.Permissions, error)
	passwordCallback = func(gossh.ConnMetadata, []byte) (*gossh.Permissions, error)
	keyCallback      = func(gossh.ConnMetadata, gossh.PublicKey) (*gossh.Permissions, error)
	verifiedCallback = func(gossh.ConnMetadata, gossh.PublicKey, *gossh.Permissions, string) (*gossh.Permissions, error)
	keyboardCallback = func(gossh.ConnMetadata, gossh.KeyboardInteractiveChallenge) (*gossh.Permissions, error)
)

func (h *handshake) measureNone(callback noneCallback) noneCallback {
	if callback == nil {
		return nil
	}
	return func(conn gossh.ConnMetadata) (*gossh.Permissions, error) {
		h.attempted = true
		permissions, err := callback(conn)
		return permissions, h.follow(err)
	}
}

func (h *handshake) measurePassword(callback passwordCallback) passwordCallback {
	if callback == nil {
		return nil
	}
	return func(conn gossh.ConnMetadata, password []byte) (*gossh.Permissions, error) {
		h.attempted = true
		permissions, err := callback(conn, password)
		return permissions, h.follow(err)
	}
}

func (h *handshake) measurePublicKey(callback keyCallback) keyCallback {
	if callback == nil {
		return nil
	}
	return func(conn gossh.ConnMetadata, key gossh.PublicKey) (*gossh.Permissions, error) {
		h.attempted = true
		permissions, err := callback(conn, key)
		h.judged(key, permissions, err)
		return permissions, h.follow(err)
	}
}

func (h *handshake) measureVerified(callback verifiedCallback) verifiedCallback {
	if callback == nil {
		return nil
	}
	return func(conn gossh.ConnMetadata, key gossh.PublicKey, granted *gossh.Permissions, algorithm string) (*gossh.Permissions, error) {
		permissions, err := callback(conn, key, granted, algorithm)
		h.judged(key, permissions, err)
		return permissions, h.follow(err)
	}
}

func (h *handshake) measureKeyboard(callback keyboardCallback) keyboardCallback {
	if callback == nil {
		return nil
	}
	return func(conn gossh.ConnMetadata, challenge gossh.KeyboardInteractiveChallenge) (*gossh.Permissions, error) {
		h.attempted = true
		permissions, err := callback(conn, challenge)
		return permissions, h.follow(err)
	}
}

func (h *handshake) measureGSSAPI(config *gossh.GSSAPIWithMICConfig) *gossh.GSSAPIWithMICConfig {
	if config == nil || config.AllowLogin == nil || config.Server == nil {
		return config
	}
	return &gossh.GSSAPIWithMICConfig{
		AllowLogin: func(conn gossh.ConnMetadata, name string) (*gossh.Permissions, error) {
			permissions, err := config.AllowLogin(conn, name)
			return permissions, h.follow(err)
		},
		Server: gssapiServer{config.Server, h},
	}
}

// gssapiServer notes that a client began, which may leave before AllowLogin.
type gssapiServer struct {
	gossh.GSSAPIServer
	handshake *handshake
}

func (g gssapiServer) AcceptSecContext(token []byte) (output []byte, name string, more bool, err error) {
	g.handshake.attempted = true
	return g.GSSAPIServer.AcceptSecContext(token)
}

// follow keeps an eye on the callbacks that come after a partial success. The
// error may be shared between handshakes, so that h gets a copy of its own.
func (h *handshake) follow(err error) error {
	partial, ok := err.(*gossh.PartialSuccessError)
	if !ok || partial == nil {
		return err
	}
	measured := &gossh.PartialSuccessError{Next: h.measureNext(partial.Next)}
	if h.partial == nil {
		h.partial = make(map[error]error)
	}
	h.partial[measured] = partial
	return measured
}

// original returns what a callback returned in place of what follow made of it.
func (h *handshake) original(err error) error {
	if partial, ok := err.(*gossh.PartialSuccessError); ok && h.partial[partial] != nil {
		return h.partial[partial]
	}
	return err
}

// restore returns the error of a handshake as it would be without h.
func (h *handshake) restore(err error) error {
	if auth, ok := err.(*gossh.ServerAuthError); ok {
		for i := range auth.Errors {
			auth.Errors[i] = h.original(auth.Errors[i])
		}
	}
	return err
}
