package firestore_test

import (
	"net"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/telltale-agent/telltale/instruments"
	"github.com/telltale-agent/telltale/instruments/firestore"
)

const service = "/google.firestore.v1.Firestore/"

// serve starts a server that has every method, and returns a measured
// connection to it. A handler is called when the request was received.
func serve(tb testing.TB, reg *instruments.Registry, handle func(grpc.ServerStream) error) *grpc.ClientConn {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	server := grpc.NewServer(grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error {
		if err := stream.RecvMsg(&emptypb.Empty{}); err != nil {
			return err
		}
		return handle(stream)
	}))
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		_ = server.Serve(listener)
	}()
	tb.Cleanup(func() {
		server.Stop()
		<-stopped
	})
	options := append(firestore.DialOptions(reg), grpc.WithTransportCredentials(insecure.NewCredentials()))
	conn, err := grpc.NewClient(listener.Addr().String(), options...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = conn.Close() })
	return conn
}

// send returns a handler that answers with n messages and then err.
func send(n int, err error) func(grpc.ServerStream) error {
	return func(stream grpc.ServerStream) error {
		for range n {
			if err := stream.SendMsg(&emptypb.Empty{}); err != nil {
				return err
			}
		}
		return err
	}
}

// requestWith is a message with so many writes, as CommitRequest and
// BatchWriteRequest have them: field 2, repeated, named writes.
func requestWith(tb testing.TB, writes int) proto.Message {
	tb.Helper()
	repeated, bytes := descriptorpb.FieldDescriptorProto_LABEL_REPEATED, descriptorpb.FieldDescriptorProto_TYPE_BYTES
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Syntax: proto.String("proto3"), Name: proto.String("test.proto"), Package: proto.String("test"),
		MessageType: []*descriptorpb.DescriptorProto{{
			Name: proto.String("CommitRequest"),
			Field: []*descriptorpb.FieldDescriptorProto{{
				Name: proto.String("writes"), Number: proto.Int32(2), Label: &repeated, Type: &bytes,
			}},
		}},
	}, nil)
	if err != nil {
		tb.Fatal(err)
	}
	message := dynamicpb.NewMessage(file.Messages().Get(0))
	list := message.Mutable(message.Descriptor().Fields().Get(0)).List()
	for range writes {
		list.Append(protoreflect.ValueOfBytes(nil))
	}
	return message
}
