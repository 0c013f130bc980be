package tunnel_test

import (
	"context"
	"fmt"
	"net"

	"github.com/telltale-agent/telltale/instruments"
	"github.com/telltale-agent/telltale/instruments/instrumentstest"
	"github.com/telltale-agent/telltale/instruments/tunnel"
)

// Whatever dials a node on behalf of a user is wrapped once.
func ExampleAttempts_Dialer() {
	exit := instrumentstest.Open() // a program has an agent: agent.Instruments()
	defer exit.Close()

	dial := tunnel.NewAttempts(exit.Registry).Dialer((&net.Dialer{}).DialContext)

	_, err := dial(context.Background(), "tcp", "127.0.0.1:0")
	fmt.Println(err != nil)
	fmt.Print(exit.Show("teleport_connect", "failed_connect"))
	// Output:
	// true
	// failed_connect_to_node_attempts_total 1
	// teleport_connect_to_node_attempts_total 1
}

// brief is a connection that ends at once; an ssh.Conn ends when it is cut.
type brief struct{}

func (brief) Wait() error { return net.ErrClosed }

// A proxy counts a tunnel for as long as its connection lasts.
func ExampleInventory() {
	exit := instrumentstest.Open() // a program has an agent: agent.Instruments()
	defer exit.Close()

	tunnels := tunnel.NewInventory(exit.Registry)
	tunnels.SetExpected([]string{"node-1", "node-2"})

	var conn brief // *ssh.ServerConn
	lease, err := tunnels.Connected(instruments.TunnelNode, "node-1")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(exit.Show("teleport_reverse", "proxy_missing"))
	fmt.Println(lease.Hold(conn))
	fmt.Print(exit.Show("teleport_reverse", "proxy_missing"))
	// Output:
	// proxy_missing_ssh_tunnels 1
	// teleport_reverse_tunnels_connected{node} 1
	// use of closed network connection
	// proxy_missing_ssh_tunnels 2
}

// An agent tells which proxies it keeps a tunnel to.
func ExampleProxies() {
	exit := instrumentstest.Open() // a program has an agent: agent.Instruments()
	defer exit.Close()

	pool := tunnel.NewProxies(exit.Registry)
	pool.SetKnown([]string{"proxy-1", "proxy-2"}) // whenever discovery says so

	lease := pool.Connected("proxy-1")
	defer lease.Close()
	fmt.Print(exit.Show("reversetunnel"))
	// Output: reversetunnel_connected_proxies 1
}

// A pool of tunnels to a trusted cluster tells how each of them fares.
func ExampleClusters() {
	exit := instrumentstest.Open() // a program has an agent: agent.Instruments()
	defer exit.Close()

	clusters := tunnel.NewClusters(exit.Registry)
	defer clusters.Close()

	leaf := clusters.Open("leaf.example.com", tunnel.Connecting)
	defer leaf.Close()
	var conn brief         // the ssh.Conn that was dialled
	err := leaf.Hold(conn) // connected, and disconnected afterwards
	leaf.Set(tunnel.Connecting)
	fmt.Println(err)
	fmt.Print(exit.Show("trusted_clusters"))
	// Output:
	// use of closed network connection
	// trusted_clusters{leaf.example.com,connecting} 1
}
