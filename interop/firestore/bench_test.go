package firestore

import (
	"testing"

	"github.com/telltale-agent/telltale/instruments"
)

// BenchmarkClient compares the measured client with the bare one, which is what a nil registry gives.
func BenchmarkClient(b *testing.B) {
	e := newExit(b)
	for _, row := range []struct {
		name     string
		registry *instruments.Registry
	}{{"bare", nil}, {"measured", e.Registry}} {
		s := newServer(b)
		s.store.fill("events", 100)
		c := s.client(b, row.registry)
		b.Run("query/"+row.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Collection("events").Documents(b.Context()).GetAll(); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("transaction/"+row.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := write(b.Context(), c, 10); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
