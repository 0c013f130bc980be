package firestore

import (
	"context"
	"fmt"
	"log"
	"net"

	"cloud.google.com/go/firestore"
	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/telltale-agent/telltale/instruments"
	measured "github.com/telltale-agent/telltale/instruments/firestore"
)

// The official client with measured requests. Against Cloud Firestore itself only the dial options of the package are
// given; the endpoint and what goes with it is for a server on this machine.
func Example() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	api := grpc.NewServer()
	pb.RegisterFirestoreServer(api, newAPI())
	go func() { _ = api.Serve(listener) }()
	defer api.Stop()
	registry, err := instruments.New(sdkmetric.NewMeterProvider()) // agent.Instruments()
	if err != nil {
		log.Fatal(err)
	}
	defer registry.Close()

	options := []option.ClientOption{
		option.WithEndpoint(listener.Addr().String()), option.WithoutAuthentication(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())),
	}
	for _, dial := range measured.DialOptions(registry) {
		options = append(options, option.WithGRPCDialOption(dial))
	}
	ctx := context.Background()
	client, err := firestore.NewClient(ctx, "project", options...)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	err = client.RunTransaction(ctx, func(_ context.Context, tx *firestore.Transaction) error {
		for _, name := range []string{"events/1", "events/2"} {
			if err := tx.Set(client.Doc(name), event{Login: "alice"}); err != nil {
				return err
			}
		}
		return nil
	}) // one batch write
	if err != nil {
		log.Fatal(err)
	}
	found, err := client.Collection("events").Documents(ctx).GetAll() // one batch read
	fmt.Println(len(found), err)
	// Output: 2 <nil>
}
