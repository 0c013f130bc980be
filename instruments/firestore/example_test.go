package firestore_test

import (
	"fmt"
	"log"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/telltale-agent/telltale/instruments"
	"github.com/telltale-agent/telltale/instruments/firestore"
)

// The client of Firestore takes each option as option.WithGRPCDialOption, or a
// connection that was made with them as option.WithGRPCConn.
func ExampleDialOptions() {
	registry, err := instruments.New(sdkmetric.NewMeterProvider()) // agent.Instruments()
	if err != nil {
		log.Fatal(err)
	}
	defer registry.Close()

	options := append(firestore.DialOptions(registry), grpc.WithTransportCredentials(insecure.NewCredentials()))
	conn, err := grpc.NewClient("127.0.0.1:8080", options...)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	fmt.Println("queries and batches over", conn.Target(), "are measured")
	// Output: queries and batches over 127.0.0.1:8080 are measured
}
