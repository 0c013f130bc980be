package tunnel_test

import (
	"context"
	"fmt"
	"net"

	"github.com/telltale-agent/telltale/instruments"
	"github.com/telltale-agent/telltale/instruments/tunnel"
)

// Whatever dials a node on behalf of a user is wrapped once.
func ExampleAttempts_Dialer() {
	var registry *instruments.Registry // agent.Instruments()
	dial := tunnel.NewAttempts(registry).Dialer((&net.Dialer{}).DialContext)

	_, err := dial(context.Background(), "tcp", "127.0.0.1:0")
	fmt.Println(err != nil)
	// Output: true
}

// brief is a connection that ends at once; an ssh.Conn ends when it is cut.
type brief struct{}

func (brief) Wait() error { return net.ErrClosed }

// A proxy counts a tunnel for as long as its connection lasts.
func ExampleInventory() {
	var registry *instruments.Registry // agent.Instruments()
	tunnels := tunnel.NewInventory(registry)
	tunnels.SetExpected([]string{"node-1", "node-2"})

	var conn brief // *ssh.ServerConn
	lease, err := tunnels.Connected(instruments.TunnelNode, "node-1")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(lease.Hold(conn))
	// Output: use of closed network connection
}

// An agent tells which proxies it keeps a tunnel to.
func ExampleProxies() {
	var registry *instruments.Registry // agent.Instruments()
	pool := tunnel.NewProxies(registry)
	pool.SetKnown([]string{"proxy-1", "proxy-2"}) // whenever discovery says so

	lease := pool.Connected("proxy-1")
	defer lease.Close()
}

// A pool of tunnels to a trusted cluster tells how each of them fares.
func ExampleClusters() {
	var registry *instruments.Registry // agent.Instruments()
	clusters := tunnel.NewClusters(registry)
	defer clusters.Close()

	leaf := clusters.Open("leaf.example.com", tunnel.Connecting)
	defer leaf.Close()
	var conn brief         // the ssh.Conn that was dialled
	err := leaf.Hold(conn) // connected, and disconnected afterwards
	leaf.Set(tunnel.Connecting)
	fmt.Println(err)
	// Output: use of closed network connection
}
