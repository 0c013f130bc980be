package gcs

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
)

// Uploads and downloads side by side through one client, while every tenth request fails in one way or another.
func TestManyAtOnce(t *testing.T) {
	const workers, rounds = 8, 6
	e := newExit(t)
	s := newServer(t)
	b := s.client(t, e.Registry).Bucket(bucket)
	faults := make([]fault, 400)
	for i := range faults {
		if rand.IntN(10) == 0 {
			faults[i] = []fault{reset, status(503), status(429)}[rand.IntN(3)]
		}
	}
	s.spoil(anyRequest, faults...)
	var wg sync.WaitGroup
	for worker := range workers {
		wg.Go(func() {
			for round := range rounds {
				object := b.Object(fmt.Sprintf("%d/%d", worker, round))
				want := content((round%3)*chunk + worker)
				if err := put(t.Context(), object, want, chunk); err != nil {
					t.Errorf("upload: %v", err)
					continue
				}
				got, err := fetch(t.Context(), object, 0, -1)
				if err != nil || !bytes.Equal(got, want) {
					t.Errorf("download: got %d bytes and %v, want %d", len(got), err, len(want))
				}
			}
		})
	}
	wg.Wait()
	e.want(t, workers*rounds, workers*rounds)
}
