package gcs

import (
	"testing"

	"github.com/telltale-agent/telltale/instruments"
)

// BenchmarkClient compares the measured client with the bare one, which is what a nil registry gives.
func BenchmarkClient(b *testing.B) {
	measured := newExit(b)
	for name, reg := range map[string]*instruments.Registry{"bare": nil, "measured": measured.Registry} {
		object := newServer(b, stored()).client(b, reg).Bucket(bucket).Object("dir/object")
		b.Run("download/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := fetch(b.Context(), object, 0, -1); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("upload/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := put(b.Context(), object, content(1000), chunk); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("resumable/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := put(b.Context(), object, content(2*chunk), chunk); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
