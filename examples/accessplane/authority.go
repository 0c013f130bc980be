package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"github.com/telltale-agent/telltale/instruments"
	"github.com/telltale-agent/telltale/instruments/auth"
)

// serviceType is the extension of a service's certificate that says what it is.
const serviceType = "type@accessplane"

// authority signs the certificates of users, hosts and services. Everything
// that costs it a signature passes through a limiter, which measures it.
type authority struct {
	users, hosts, services gossh.Signer // one key for each, so that none passes for another
	limiter                *auth.Limiter
}

// newAuthority signs users with the given key, which may be slow, as one in a
// hardware module is; nil makes a key. At most limit requests are served at a
// time.
func newAuthority(reg *instruments.Registry, users gossh.Signer, limit int) (*authority, error) {
	a := &authority{users: users, limiter: auth.New(reg, limit)}
	for _, key := range []*gossh.Signer{&a.users, &a.hosts, &a.services} {
		if *key != nil {
			continue
		}
		var err error
		if *key, err = newKey(); err != nil {
			return nil, err
		}
	}
	return a, nil
}

func newKey() (gossh.Signer, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	return gossh.NewSignerFromKey(key)
}

// SignUser certifies that key is the user's for an hour.
func (a *authority) SignUser(ctx context.Context, user string, key gossh.PublicKey) (*gossh.Certificate, error) {
	certificate := &gossh.Certificate{
		Key:             key,
		KeyId:           user,
		ValidPrincipals: []string{user},
		Permissions:     gossh.Permissions{Extensions: map[string]string{"permit-pty": "", "permit-port-forwarding": ""}},
	}
	return certificate, a.sign(ctx, certificate, gossh.UserCert, a.users)
}

// HostKey makes the key of an SSH server.
func (a *authority) HostKey(id string) (gossh.Signer, error) {
	return a.generate(&gossh.Certificate{KeyId: id, ValidPrincipals: []string{id}}, gossh.HostCert, a.hosts)
}

// ServiceKey makes the key by which a service logs in to open a tunnel.
func (a *authority) ServiceKey(id, typ string) (gossh.Signer, error) {
	return a.generate(&gossh.Certificate{
		KeyId:           id,
		ValidPrincipals: []string{id},
		Permissions:     gossh.Permissions{Extensions: map[string]string{serviceType: typ}},
	}, gossh.UserCert, a.services)
}

// generate makes a key, and the certificate for it.
func (a *authority) generate(certificate *gossh.Certificate, typ uint32, by gossh.Signer) (gossh.Signer, error) {
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	certificate.Key = key.PublicKey()
	if err := a.sign(context.Background(), certificate, typ, by); err != nil {
		return nil, err
	}
	return gossh.NewCertSigner(certificate, key)
}

// sign fills in the rest of a certificate. It fails at once, with an error that
// wraps auth.ErrThrottled, when too many are being signed.
func (a *authority) sign(ctx context.Context, certificate *gossh.Certificate, typ uint32, by gossh.Signer) error {
	now := time.Now()
	certificate.CertType = typ
	certificate.ValidAfter = uint64(now.Add(-time.Minute).Unix())
	certificate.ValidBefore = uint64(now.Add(time.Hour).Unix())
	var serial [8]byte
	if _, err := rand.Read(serial[:]); err != nil {
		return err
	}
	certificate.Serial = binary.BigEndian.Uint64(serial[:])
	err := a.limiter.Do(ctx, func(context.Context) error { return certificate.SignCert(rand.Reader, by) })
	if err != nil {
		return fmt.Errorf("certify %s: %w", certificate.KeyId, err)
	}
	return nil
}

// Users checks certificates of users.
func (a *authority) Users() *gossh.CertChecker {
	return &gossh.CertChecker{IsUserAuthority: isKey(a.users)}
}

// Services checks certificates of services.
func (a *authority) Services() *gossh.CertChecker {
	return &gossh.CertChecker{IsUserAuthority: isKey(a.services)}
}

// Hosts checks certificates of SSH servers.
func (a *authority) Hosts() *gossh.CertChecker {
	key := isKey(a.hosts)
	return &gossh.CertChecker{IsHostAuthority: func(given gossh.PublicKey, _ string) bool { return key(given) }}
}

func isKey(authority gossh.Signer) func(gossh.PublicKey) bool {
	want := authority.PublicKey().Marshal()
	return func(given gossh.PublicKey) bool { return bytes.Equal(given.Marshal(), want) }
}
