package firestore

import (
	"testing"

	"cloud.google.com/go/firestore"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	measured "github.com/telltale-agent/telltale/instruments/firestore"
)

// A program that makes its connection itself gives it the dial options. That is the way to an emulator, too: with
// FIRESTORE_EMULATOR_HOST the client would dial without options, and leave that connection open if it got another.
func TestConnectionOfTheProgram(t *testing.T) {
	e := newExit(t)
	s := newServer(t)
	s.store.fill("events", 3)
	options := append(measured.DialOptions(e.Registry), grpc.WithTransportCredentials(insecure.NewCredentials()))
	conn, err := grpc.NewClient(s.address, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	client, err := firestore.NewClient(t.Context(), project, option.WithGRPCConn(conn))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	got, err := client.Collection("events").Documents(t.Context()).GetAll()
	if err != nil || len(got) != 3 {
		t.Errorf("got %d documents and %v, want 3", len(got), err)
	}
	e.want(t, 1, 0)
}
