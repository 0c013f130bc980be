package auth

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/telltale-agent/telltale/instruments/instrumentstest"
)

// authorities sign the certificates of the tests.
type authorities struct {
	ssh     ssh.Signer
	key     *ecdsa.PrivateKey
	root    *x509.Certificate
	trusted *x509.CertPool
}

func newAuthorities(t testing.TB) *authorities {
	t.Helper()
	_, user, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(user)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "root"},
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	root, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	a := &authorities{signer, key, root, x509.NewCertPool()}
	a.trusted.AddCert(root)
	return a
}

// sshCertificate makes a key for a host and certifies it.
func (a *authorities) sshCertificate(context.Context) (*ssh.Certificate, error) {
	runtime.Gosched() // lets requests meet on one processor, too
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		return nil, err
	}
	certificate := &ssh.Certificate{
		Key: key, CertType: ssh.HostCert, ValidPrincipals: []string{"node"}, ValidBefore: ssh.CertTimeInfinity,
	}
	return certificate, certificate.SignCert(rand.Reader, a.ssh)
}

// x509Certificate makes a key for a server and certifies it.
func (a *authorities) x509Certificate(context.Context) (*x509.Certificate, error) {
	runtime.Gosched()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(2), DNSNames: []string{"node"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, a.root, crypto.PublicKey(key.Public()), a.key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// TestUnderLoad has far more servers ask for certificates than are served at a
// time. What is generated is good, and every request is either admitted or
// throttled.
func TestUnderLoad(t *testing.T) {
	exit, a := instrumentstest.New(t), newAuthorities(t)
	const limit, servers, each = 3, 12, 40
	limiter := New(exit.Registry, limit)
	checker := ssh.CertChecker{}
	var admitted, throttled atomic.Int64
	note := func(err error, check func() error) {
		switch {
		case errors.Is(err, ErrThrottled):
			throttled.Add(1)
			return
		case err == nil:
			err = check()
		}
		if err != nil {
			t.Error(err)
		}
		admitted.Add(1)
	}
	var load sync.WaitGroup
	for i := range servers {
		load.Go(func() {
			for range each {
				if i%2 == 0 {
					c, err := Generate(t.Context(), limiter, a.sshCertificate)
					note(err, func() error { return checker.CheckCert("node", c) })
				} else {
					c, err := Generate(t.Context(), limiter, a.x509Certificate)
					note(err, func() error {
						_, err := c.Verify(x509.VerifyOptions{DNSName: "node", Roots: a.trusted})
						return err
					})
				}
			}
		})
	}
	for admitted.Load()+throttled.Load() < servers*each {
		// The count of the histogram is not compared here: the SDK reads it later
		// in a collection than the counters.
		if got := readGenerated(t, exit); got.inFlight < 0 || got.inFlight > limit || got.inFlight > got.requests {
			t.Fatalf("while running: %+v", got)
		}
	}
	load.Wait()
	if throttled.Load() == 0 {
		t.Error("nothing was throttled: the load is too small to show anything")
	}
	got := readGenerated(t, exit)
	got.seconds = 0
	want := generated{
		throttled: float64(throttled.Load()), requests: float64(admitted.Load()), count: float64(admitted.Load()),
	}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func BenchmarkGenerate(b *testing.B) {
	a := newAuthorities(b)
	limiter := New(instrumentstest.New(b).Registry, 10)
	run := func(name string, generate func(context.Context) error) {
		b.Run(name+"/bare", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = generate(b.Context())
			}
		})
		b.Run(name+"/measured", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = limiter.Do(b.Context(), generate)
			}
		})
	}
	run("nothing", func(context.Context) error { return nil })
	run("ssh", func(ctx context.Context) error { _, err := a.sshCertificate(ctx); return err })
	run("x509", func(ctx context.Context) error { _, err := a.x509Certificate(ctx); return err })
}
