package ssh

import (
	"net"
	"testing"

	gossh "golang.org/x/crypto/ssh"

	"github.com/telltale-agent/telltale/instruments/instrumentstest"
)

// ticket is a GSSAPI client and server that agree on everything.
type ticket struct{ leave func() }

func (k ticket) InitSecContext(string, []byte, bool) ([]byte, bool, error) {
	return []byte("ticket"), false, nil
}

func (k ticket) GetMIC([]byte) ([]byte, error) {
	if k.leave != nil {
		k.leave()
	}
	return []byte("mic"), nil
}

func (ticket) DeleteSecContext() error { return nil }

func (ticket) AcceptSecContext([]byte) ([]byte, string, bool, error) {
	return nil, "alice@EXAMPLE", false, nil
}

func (ticket) VerifyMIC([]byte, []byte) error { return nil }

func TestGSSAPI(t *testing.T) {
	g := newGate(t)
	second := &gossh.PartialSuccessError{Next: gossh.ServerAuthCallbacks{PublicKeyCallback: g.config().PublicKeyCallback}}
	wrong := gossh.PublicKeys(certificate(t, g.stranger, nil))
	rows := []struct {
		name   string
		err    error
		leaves bool
		want   map[string]float64
	}{
		{"let in", nil, false, logins(1, 0, 0)},
		{"refused", errWrong, false, logins(0, 1, 0)},
		{"left in the middle", nil, true, logins(0, 1, 0)},
		{"wrong certificate afterwards", second, false, logins(0, 1, 1)},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			config := &gossh.ServerConfig{GSSAPIWithMICConfig: &gossh.GSSAPIWithMICConfig{
				AllowLogin: func(_ gossh.ConnMetadata, name string) (*gossh.Permissions, error) {
					if name != "alice@EXAMPLE" {
						t.Errorf("got %q", name)
					}
					return nil, row.err
				},
				Server: ticket{},
			}}
			config.AddHostKey(g.host)
			m := instrumentstest.New(t)
			s := serve(t, New(m.Registry, Options{}).Handshake, config, nil)
			wire, err := net.Dial("tcp", s.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer wire.Close()
			client := ticket{}
			if row.leaves {
				client.leave = func() { wire.Close() }
			}
			_, _, _, _ = gossh.NewClientConn(wire, "", clientConfig("alice", gossh.GSSAPIWithMICAuthMethod(client, "host"), wrong))
			<-s.handshakes
			m.Want(t, row.want)
		})
	}
}

// TestGSSAPIHalfConfigured keeps what x/crypto takes for not configured as it is.
func TestGSSAPIHalfConfigured(t *testing.T) {
	for _, config := range []*gossh.GSSAPIWithMICConfig{nil, {}, {Server: ticket{}}} {
		if got := new(handshake).measureGSSAPI(config); got != config {
			t.Errorf("got %v, want %v itself", got, config)
		}
	}
}
