package integration

import (
	"context"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/telltale-agent/telltale/instruments/instrumentstest"
)

// sides runs a benchmark with the bare client and with the measured one, both with a server that knows nothing yet.
func sides(b *testing.B, run func(b *testing.B, client *clientv3.Client)) {
	b.Run("bare", func(b *testing.B) { run(b, dial(b, startServer(b), nil)) })
	b.Run("measured", func(b *testing.B) {
		run(b, dial(b, startServer(b), measured(instrumentstest.New(b).Registry)))
	})
}

// What the interceptors add to requests of the official client.
func BenchmarkRequests(b *testing.B) {
	for _, request := range []struct {
		name string
		call func(context.Context, *clientv3.Client) error
	}{
		{"read", get("k", clientv3.WithSerializable())},
		{"write", put("k", "1")},
	} {
		b.Run(request.name, func(b *testing.B) {
			sides(b, func(b *testing.B, client *clientv3.Client) {
				b.ReportAllocs()
				for b.Loop() {
					if err := request.call(context.Background(), client); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

// What the interceptors add to a write and the event that comes of it.
func BenchmarkWatch(b *testing.B) {
	sides(b, func(b *testing.B, client *clientv3.Client) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		answers := client.Watch(ctx, "/users/k", clientv3.WithCreatedNotify())
		<-answers
		b.ReportAllocs()
		for b.Loop() {
			if _, err := client.Put(ctx, "/users/k", "1"); err != nil {
				b.Fatal(err)
			}
			if answer := <-answers; len(answer.Events) != 1 {
				b.Fatal(answer.Err())
			}
		}
	})
}
