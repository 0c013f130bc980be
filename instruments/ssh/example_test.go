package ssh_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"net"

	"golang.org/x/crypto/ssh"

	"github.com/telltale-agent/telltale/instruments/instrumentstest"
	sshmetrics "github.com/telltale-agent/telltale/instruments/ssh"
)

// A server in which two calls are replaced: the listener's, and
// ssh.NewServerConn.
func Example() {
	exit := instrumentstest.Open() // a program has an agent: agent.Instruments()
	defer exit.Close()

	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	measured := sshmetrics.New(exit.Registry, sshmetrics.Options{MaxSessions: 10})
	listener := measured.Listener(tcp, 1000)
	config := serverConfig()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			server, channels, requests, err := measured.Handshake(conn, config)
			if err != nil {
				continue // it was counted
			}
			go ssh.DiscardRequests(requests)
			for channel := range channels {
				_ = channel.Reject(ssh.UnknownChannelType, "an example")
			}
			_ = server.Wait()
		}
	}()

	for _, password := range []string{"a guess", "secret"} {
		client, err := ssh.Dial("tcp", tcp.Addr().String(), &ssh.ClientConfig{
			User:            "alice",
			Auth:            []ssh.AuthMethod{ssh.Password(password)},
			HostKeyCallback: ssh.InsecureIgnoreHostKey(),
		})
		if err == nil {
			client.Close()
		}
	}
	listener.Close()
	<-done
	fmt.Print(exit.Show("user_login", "failed_login"))
	// Output:
	// failed_login_attempts_total 1
	// user_login_total 1
}

func serverConfig() *ssh.ServerConfig {
	config := &ssh.ServerConfig{
		PasswordCallback: func(_ ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
			if string(password) != "secret" {
				return nil, fmt.Errorf("wrong password")
			}
			return nil, nil
		},
	}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		fmt.Println(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		fmt.Println(err)
	}
	config.AddHostKey(signer)
	return config
}
