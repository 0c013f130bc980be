package ssh

import (
	"bytes"
	"errors"
	"io"
	"net"
	"slices"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"github.com/telltale-agent/telltale/instruments/instrumentstest"
)

// gate is what the server of the tests lets in.
type gate struct {
	host, authority, stranger, known, unknown gossh.Signer
}

func newGate(t testing.TB) gate {
	return gate{newSigner(t), newSigner(t), newSigner(t), newSigner(t), newSigner(t)}
}

var errWrong = errors.New("wrong")

// config lets alice in with a certificate, the known key, the password
// "secret" or the answer "secret".
func (g gate) config() *gossh.ServerConfig {
	checker := &gossh.CertChecker{
		IsUserAuthority: func(key gossh.PublicKey) bool {
			return bytes.Equal(key.Marshal(), g.authority.PublicKey().Marshal())
		},
		IsRevoked: func(c *gossh.Certificate) bool { return c.Serial == 666 },
		UserKeyFallback: func(_ gossh.ConnMetadata, key gossh.PublicKey) (*gossh.Permissions, error) {
			if !bytes.Equal(key.Marshal(), g.known.PublicKey().Marshal()) {
				return nil, errWrong
			}
			return nil, nil
		},
	}
	config := &gossh.ServerConfig{
		PublicKeyCallback: checker.Authenticate,
		PasswordCallback: func(_ gossh.ConnMetadata, password []byte) (*gossh.Permissions, error) {
			if string(password) != "secret" {
				return nil, errWrong
			}
			return nil, nil
		},
		KeyboardInteractiveCallback: func(_ gossh.ConnMetadata, challenge gossh.KeyboardInteractiveChallenge) (*gossh.Permissions, error) {
			answers, err := challenge("", "", []string{"?"}, []bool{false})
			if err != nil || answers[0] != "secret" {
				return nil, errWrong
			}
			return nil, nil
		},
	}
	config.AddHostKey(g.host)
	return config
}

func answer(text string) gossh.AuthMethod {
	return gossh.KeyboardInteractive(func(_, _ string, questions []string, _ []bool) ([]string, error) {
		return slices.Repeat([]string{text}, len(questions)), nil
	})
}

func TestLogins(t *testing.T) {
	g := newGate(t)
	right := certificate(t, g.authority, nil)
	changed := func(change func(*gossh.Certificate)) gossh.Signer { return certificate(t, g.authority, change) }
	expired := changed(func(c *gossh.Certificate) { c.ValidBefore = uint64(time.Now().Add(-time.Minute).Unix()) })
	option := func(name, value string) gossh.Signer {
		return changed(func(c *gossh.Certificate) { c.CriticalOptions = map[string]string{name: value} })
	}
	key := gossh.PublicKeys

	const in, failed, mismatch = 1, 2, 3
	rows := []struct {
		name   string
		auth   []gossh.AuthMethod
		change func(*gossh.ServerConfig)
		want   int // 0: nothing is counted
	}{
		{"certificate", []gossh.AuthMethod{key(right)}, nil, in},
		{"expired certificate", []gossh.AuthMethod{key(expired)}, nil, mismatch},
		{"certificate of tomorrow", []gossh.AuthMethod{key(changed(func(c *gossh.Certificate) {
			c.ValidAfter = uint64(time.Now().Add(time.Minute).Unix())
		}))}, nil, mismatch},
		{"certificate of somebody else", []gossh.AuthMethod{key(changed(func(c *gossh.Certificate) {
			c.ValidPrincipals = []string{"bob"}
		}))}, nil, mismatch},
		{"certificate of a wrong authority", []gossh.AuthMethod{key(certificate(t, g.stranger, nil))}, nil, mismatch},
		{"revoked certificate", []gossh.AuthMethod{key(changed(func(c *gossh.Certificate) { c.Serial = 666 }))}, nil, mismatch},
		{"certificate of a host", []gossh.AuthMethod{key(changed(func(c *gossh.Certificate) { c.CertType = gossh.HostCert }))}, nil, mismatch},
		{"unknown critical option", []gossh.AuthMethod{key(option("moon-phase", "full"))}, nil, mismatch},
		{"source address elsewhere", []gossh.AuthMethod{key(option("source-address", "192.0.2.1"))}, nil, mismatch},
		{"source address here", []gossh.AuthMethod{key(option("source-address", "127.0.0.0/8"))}, nil, in},
		{"altered certificate", []gossh.AuthMethod{key(altered(t, g.authority))}, nil, mismatch},

		{"known key", []gossh.AuthMethod{key(g.known)}, nil, in},
		{"unknown key", []gossh.AuthMethod{key(g.unknown)}, nil, failed},
		{"password", []gossh.AuthMethod{gossh.Password("secret")}, nil, in},
		{"wrong password", []gossh.AuthMethod{gossh.Password("guess")}, nil, failed},
		{"answer", []gossh.AuthMethod{answer("secret")}, nil, in},
		{"wrong answer", []gossh.AuthMethod{answer("guess")}, nil, failed},
		{"signature of another key", []gossh.AuthMethod{key(forger{g.known, g.unknown})}, nil, failed},
		{"certificate with a forged signature", []gossh.AuthMethod{key(forger{right, g.unknown})}, nil, failed},

		{"three keys", []gossh.AuthMethod{key(g.unknown, g.stranger, g.known)}, nil, in},
		{"three keys, an expired certificate first", []gossh.AuthMethod{key(expired, g.unknown, g.known)}, nil, in},
		{"four keys, none right", []gossh.AuthMethod{key(expired, g.unknown, option("moon-phase", ""), g.stranger)}, nil, mismatch},
		{"expired certificate, password", []gossh.AuthMethod{key(expired), gossh.Password("secret")}, nil, in},
		{"expired certificate, wrong password", []gossh.AuthMethod{key(expired), gossh.Password("guess")}, nil, mismatch},
		{"wrong password until cut off", []gossh.AuthMethod{gossh.RetryableAuthMethod(gossh.Password("guess"), 10)}, nil, failed},

		{"password not on offer", []gossh.AuthMethod{gossh.Password("secret")}, withoutPassword, 0},
		{"nothing tried", nil, nil, 0},
		{"nothing asked for", nil, func(c *gossh.ServerConfig) { c.NoClientAuth = true }, in},
		{"nothing asked for, refused", nil, func(c *gossh.ServerConfig) {
			c.NoClientAuth = true
			c.NoClientAuthCallback = func(gossh.ConnMetadata) (*gossh.Permissions, error) { return nil, errWrong }
		}, failed},

		{"certificate and password", []gossh.AuthMethod{key(right), gossh.Password("secret")}, passwordSecond, in},
		{"certificate and wrong password", []gossh.AuthMethod{key(right), gossh.Password("guess")}, passwordSecond, failed},
		{"password and certificate", []gossh.AuthMethod{key(right), gossh.Password("secret")}, keySecond, in},
		{"password and expired certificate", []gossh.AuthMethod{key(expired), gossh.Password("secret")}, keySecond, mismatch},
		{"certificate refused once verified", []gossh.AuthMethod{key(right)}, refuseVerified, mismatch},
		{"key refused once verified", []gossh.AuthMethod{key(g.known)}, refuseVerified, failed},
		{"known key from elsewhere", []gossh.AuthMethod{key(g.known)}, func(c *gossh.ServerConfig) {
			c.PublicKeyCallback = func(gossh.ConnMetadata, gossh.PublicKey) (*gossh.Permissions, error) {
				return &gossh.Permissions{CriticalOptions: map[string]string{"source-address": "192.0.2.1"}}, nil
			}
		}, failed},
	}
	counted := map[int]map[string]float64{
		0: logins(0, 0, 0), in: logins(1, 0, 0), failed: logins(0, 1, 0), mismatch: logins(0, 1, 1),
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			m, config := instrumentstest.New(t), g.config()
			if row.change != nil {
				row.change(config)
			}
			s := serve(t, New(m.Registry, Options{}).Handshake, config, nil)
			client, err := gossh.Dial("tcp", s.addr, clientConfig("alice", row.auth...))
			if got, want := err == nil, row.want == in; got != want {
				t.Errorf("client: got %v, want success %v", err, want)
			}
			if err == nil {
				defer client.Close()
			}
			if err := <-s.handshakes; (err == nil) != (row.want == in) {
				t.Errorf("server: got %v, want success %v", err, row.want == in)
			}
			m.Want(t, counted[row.want])
		})
	}
}

// altered returns a certificate that was changed after it was signed.
func altered(t *testing.T, authority gossh.Signer) gossh.Signer {
	t.Helper()
	key := newSigner(t)
	c := *certify(t, key, authority, nil).PublicKey().(*gossh.Certificate)
	c.KeyId = "root"
	signer, err := gossh.NewCertSigner(&c, key)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

// forger shows one key and signs with another.
type forger struct {
	gossh.Signer
	other gossh.Signer
}

func (f forger) Sign(rand io.Reader, data []byte) (*gossh.Signature, error) {
	return f.other.Sign(rand, data)
}

func withoutPassword(c *gossh.ServerConfig) { c.PasswordCallback = nil }

// passwordSecond wants a password after the key.
func passwordSecond(c *gossh.ServerConfig) {
	key, next := c.PublicKeyCallback, gossh.ServerAuthCallbacks{PasswordCallback: c.PasswordCallback}
	c.PasswordCallback = nil
	c.PublicKeyCallback = func(conn gossh.ConnMetadata, k gossh.PublicKey) (*gossh.Permissions, error) {
		if _, err := key(conn, k); err != nil {
			return nil, err
		}
		return nil, &gossh.PartialSuccessError{Next: next}
	}
}

// keySecond wants a key after the password.
func keySecond(c *gossh.ServerConfig) {
	password, next := c.PasswordCallback, gossh.ServerAuthCallbacks{PublicKeyCallback: c.PublicKeyCallback}
	c.PublicKeyCallback = nil
	c.PasswordCallback = func(conn gossh.ConnMetadata, p []byte) (*gossh.Permissions, error) {
		if _, err := password(conn, p); err != nil {
			return nil, err
		}
		return nil, &gossh.PartialSuccessError{Next: next}
	}
}

func refuseVerified(c *gossh.ServerConfig) {
	c.VerifiedPublicKeyCallback = func(gossh.ConnMetadata, gossh.PublicKey, *gossh.Permissions, string) (*gossh.Permissions, error) {
		return nil, errWrong
	}
}

// TestLeaving looks at clients that go before anybody has decided.
func TestLeaving(t *testing.T) {
	g := newGate(t)
	rows := []struct {
		name  string
		leave func(conn net.Conn)
		want  map[string]float64
		bytes bool // the client sends some
	}{
		{"scanner that connects", func(net.Conn) {}, logins(0, 0, 0), false},
		{"scanner that speaks HTTP", func(conn net.Conn) {
			_, _ = conn.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
		}, logins(0, 0, 0), true},
		{"scanner that reads the version", func(conn net.Conn) {
			_, _ = conn.Write([]byte("SSH-2.0-scanner\r\n"))
			_, _ = conn.Read(make([]byte, 100))
		}, logins(0, 0, 0), true},
		{"fetch of the host key", func(conn net.Conn) {
			config := clientConfig("alice", gossh.Password("secret"))
			config.HostKeyCallback = func(string, net.Addr, gossh.PublicKey) error { return errWrong }
			_, _, _, _ = gossh.NewClientConn(conn, "", config)
		}, logins(0, 0, 0), true},
		{"before the password", func(conn net.Conn) {
			_, _, _, _ = gossh.NewClientConn(conn, "", clientConfig("alice",
				gossh.PasswordCallback(func() (string, error) { conn.Close(); return "secret", nil })))
		}, logins(0, 0, 0), true},
		{"before the answer", func(conn net.Conn) {
			_, _, _, _ = gossh.NewClientConn(conn, "", clientConfig("alice",
				gossh.KeyboardInteractive(func(_, _ string, q []string, _ []bool) ([]string, error) {
					conn.Close()
					return make([]string, len(q)), nil
				})))
		}, logins(0, 1, 0), true},
		{"between the question for a certificate and the signature", func(conn net.Conn) {
			_, _, _, _ = gossh.NewClientConn(conn, "", clientConfig("alice",
				gossh.PublicKeys(leaver{certificate(t, g.authority, nil), conn})))
		}, logins(0, 1, 0), true},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			m := instrumentstest.New(t)
			s := serve(t, New(m.Registry, Options{}).Handshake, g.config(), nil)
			conn, err := net.Dial("tcp", s.addr)
			if err != nil {
				t.Fatal(err)
			}
			row.leave(conn)
			conn.Close()
			if err := <-s.handshakes; err == nil {
				t.Error("the handshake succeeded")
			}
			m.Want(t, row.want)
			if got := m.Collect(t)["rx"] > 0; got != row.bytes {
				t.Errorf("rx moved: got %v, want %v", got, row.bytes)
			}
		})
	}
}

// leaver closes the connection instead of signing.
type leaver struct {
	gossh.Signer
	conn net.Conn
}

func (l leaver) Sign(io.Reader, []byte) (*gossh.Signature, error) {
	l.conn.Close()
	return nil, errWrong
}
