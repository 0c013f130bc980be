package firestore_test

import (
	"context"
	"fmt"
	"log"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/telltale-agent/telltale/instruments/firestore"
	"github.com/telltale-agent/telltale/instruments/instrumentstest"
)

// The client of Firestore takes each option as option.WithGRPCDialOption, or a
// connection that was made with them as option.WithGRPCConn. Here a plain
// request stands for it.
func ExampleDialOptions() {
	exit := instrumentstest.Open() // a program has an agent: agent.Instruments()
	defer exit.Close()
	addr, stop := emptyFirestore()
	defer stop()

	options := append(firestore.DialOptions(exit.Registry), grpc.WithTransportCredentials(insecure.NewCredentials()))
	conn, err := grpc.NewClient(addr, options...)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	err = conn.Invoke(context.Background(), "/google.firestore.v1.Firestore/ListDocuments", &emptypb.Empty{}, &emptypb.Empty{})
	fmt.Println(err)
	fmt.Print(exit.Show("firestore_"))
	// Output:
	// <nil>
	// firestore_events_backend_batch_read_requests 1
	// firestore_events_backend_batch_read_seconds_count 1
}

// emptyFirestore serves a database that has nothing to answer.
func emptyFirestore() (addr string, stop func()) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	server := grpc.NewServer(grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error {
		if err := stream.RecvMsg(&emptypb.Empty{}); err != nil {
			return err
		}
		return stream.SendMsg(&emptypb.Empty{})
	}))
	go server.Serve(listener)
	return listener.Addr().String(), server.Stop
}
