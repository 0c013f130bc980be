package inventory_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/telltale-agent/telltale/instruments"
	"github.com/telltale-agent/telltale/instruments/inventory"
)

// A server that accepts keep-alive connections tells what happens on them.
func Example() {
	var registry *instruments.Registry // agent.Instruments()
	servers := inventory.New(registry, inventory.Options{})
	defer servers.Close()

	conn, err := servers.Connect(inventory.Announcement{
		ID: "node-1", Type: instruments.ResourceNode, Version: "v18.2.0",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := conn.Heartbeat(); err != nil { // whenever one comes
		fmt.Println(err)
	}
	fmt.Println(servers.Servers(), servers.Connections())
	conn.Close()
	fmt.Println(servers.Servers(), servers.Connections()) // the server stays for ten minutes
	// Output:
	// 1 1
	// 1 0
}

// Each stream of a gRPC server is a connection, each message a heartbeat.
func ExampleInventory_StreamServerInterceptor() {
	var registry *instruments.Registry // agent.Instruments()
	servers := inventory.New(registry, inventory.Options{})
	defer servers.Close()

	fromMetadata := func(ctx context.Context, method string, _ any) (inventory.Announcement, bool) {
		md, _ := metadata.FromIncomingContext(ctx)
		id, version := md.Get("host-id"), md.Get("version")
		if method != "/proto.AuthService/KeepAlive" || len(id) != 1 || len(version) != 1 {
			return inventory.Announcement{}, false
		}
		return inventory.Announcement{ID: id[0], Type: instruments.ResourceNode, Version: version[0]}, true
	}
	server := grpc.NewServer(grpc.ChainStreamInterceptor(servers.StreamServerInterceptor(fromMetadata)))
	defer server.Stop()
}

// Clients that have nothing but HTTP announce themselves again and again.
func ExampleInventory_Handler() {
	var registry *instruments.Registry // agent.Instruments()
	servers := inventory.New(registry, inventory.Options{})
	defer servers.Close()

	mux := http.NewServeMux()
	mux.Handle(inventory.AnnouncePath, servers.Handler())
	server := httptest.NewServer(mux)
	defer server.Close()

	for _, typ := range []string{"node", "toaster"} {
		body := fmt.Sprintf(`{"id":"host-1","type":%q,"version":"18.2.0"}`, typ)
		response, err := server.Client().Post(server.URL+inventory.AnnouncePath, "application/json", strings.NewReader(body))
		if err != nil {
			fmt.Println(err)
			return
		}
		response.Body.Close()
		fmt.Println(response.Status)
	}
	// Output:
	// 204 No Content
	// 400 Bad Request
}
