package ssh

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"github.com/telltale-agent/telltale/instruments/instrumentstest"
)

// TestOpenSSH logs in with the client that most people use.
func TestOpenSSH(t *testing.T) {
	if _, err := exec.LookPath("ssh"); err != nil {
		t.Skip("no OpenSSH client is installed: ", err)
	}
	g := newGate(t)
	expire := func(c *gossh.Certificate) { c.ValidBefore = uint64(time.Now().Add(-time.Minute).Unix()) }
	rows := []struct {
		name, stdin string
		change      func(*gossh.Certificate)
		args        []string
		want        map[string]float64
		in          bool
	}{
		{"command", "", nil, []string{"-T", "date"}, logins(1, 0, 0), true},
		{"shell", "exit\n", nil, []string{"-T"}, logins(1, 0, 0), true},
		{"command with terminal", "", nil, []string{"-tt", "date"}, logins(1, 0, 0), true},
		{"expired certificate", "", expire, []string{"-T", "date"}, logins(0, 1, 1), false},
		{"other principal", "", func(c *gossh.Certificate) { c.ValidPrincipals = []string{"bob"} }, []string{"-T", "date"}, logins(0, 1, 1), false},
		{"other address", "", func(c *gossh.Certificate) {
			c.CriticalOptions = map[string]string{"source-address": "192.0.2.0/24"}
		}, []string{"-T", "date"}, logins(0, 1, 1), false},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			m := instrumentstest.New(t)
			s := serve(t, New(m.Registry, Options{}).Handshake, g.config(), nil)
			key := keyFiles(t, g.authority, row.change)
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			ssh := exec.CommandContext(ctx, "ssh", append(options(t, s.addr, key), row.args...)...)
			ssh.Stdin = strings.NewReader(row.stdin)
			var stderr bytes.Buffer
			ssh.Stderr = &stderr
			output, err := ssh.Output()
			if got := err == nil && strings.Contains(string(output), "hello"); got != row.in {
				t.Errorf("got %q, %v, want success %v\n%s", output, err, row.in, &stderr)
			}
			<-s.handshakes
			if row.in {
				<-s.ended
			}
			m.Want(t, row.want)
			m.Want(t, sessions(0, 0))
		})
	}
}

// keyFiles writes a private key with its certificate beside it.
func keyFiles(t *testing.T, authority gossh.Signer, change func(*gossh.Certificate)) string {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := gossh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	block, err := gossh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	signed := certify(t, signer, authority, change).PublicKey()
	if err := os.WriteFile(path+"-cert.pub", gossh.MarshalAuthorizedKey(signed), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// options keep the client from everything of the machine's and the user's.
func options(t *testing.T, addr, key string) []string {
	t.Helper()
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	return []string{
		"-F", "none", "-i", key, "-p", port, "-l", "alice",
		"-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none",
		"-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "GlobalKnownHostsFile=/dev/null",
		host,
	}
}
