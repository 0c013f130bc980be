package firestore

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

type event struct{ Login string }

// write puts n documents in one transaction.
func write(ctx context.Context, c *firestore.Client, n int) error {
	return c.RunTransaction(ctx, func(_ context.Context, tx *firestore.Transaction) error {
		for i := range n {
			if err := tx.Set(c.Doc(fmt.Sprintf("events/%d", i)), event{"alice"}); err != nil {
				return err
			}
		}
		return nil
	})
}

func TestWrites(t *testing.T) {
	for _, row := range []struct {
		name  string
		write func(context.Context, *firestore.Client) error
		want  int
	}{
		{"one document", func(ctx context.Context, c *firestore.Client) error {
			_, err := c.Doc("events/1").Set(ctx, event{"alice"})
			return err
		}, 0},
		{"one document deleted", func(ctx context.Context, c *firestore.Client) error {
			_, err := c.Doc("events/1").Delete(ctx)
			return err
		}, 0},
		{"transaction without writes", func(ctx context.Context, c *firestore.Client) error { return write(ctx, c, 0) }, 0},
		{"transaction with one write", func(ctx context.Context, c *firestore.Client) error { return write(ctx, c, 1) }, 0},
		{"transaction with several", func(ctx context.Context, c *firestore.Client) error { return write(ctx, c, 3) }, 1},
		{"batch", func(ctx context.Context, c *firestore.Client) error {
			//lint:ignore SA1019 many programs have batches
			_, err := c.Batch().Set(c.Doc("events/1"), event{"alice"}).Delete(c.Doc("events/2")).Commit(ctx)
			return err
		}, 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			e := newExit(t)
			s := newServer(t)
			if err := row.write(t.Context(), s.client(t, e.Registry)); err != nil {
				t.Error(err)
			}
			e.want(t, 0, row.want)
		})
	}
}

// A BulkWriter gathers writes as they come; the server knows how.
func TestBulkWriter(t *testing.T) {
	const writes = 45
	e := newExit(t)
	s := newServer(t)
	c := s.client(t, e.Registry)
	bulk := c.BulkWriter(t.Context())
	var jobs []*firestore.BulkWriterJob
	for i := range writes {
		job, err := bulk.Set(c.Doc(fmt.Sprintf("events/%d", i)), event{"alice"})
		if err != nil {
			t.Fatal(err)
		}
		jobs = append(jobs, job)
	}
	bulk.End()
	for _, job := range jobs {
		if _, err := job.Results(); err != nil {
			t.Error(err)
		}
	}
	if got := len(s.store.in(documents, "events")); got != writes {
		t.Errorf("got %d documents stored, want %d", got, writes)
	}
	if s.severalWrites() == 0 {
		t.Error("the writer has gathered nothing")
	}
	e.want(t, 0, s.severalWrites())
}

// Each attempt of a transaction is a commit of its own, and reads again.
func TestTransactionThatIsTriedAgain(t *testing.T) {
	e := newExit(t)
	s := newServer(t)
	s.store.fill("events", 3)
	c := s.client(t, e.Registry)
	aborted := fault{err: status.Error(codes.Aborted, "somebody else was faster")}
	s.spoil("Commit", aborted, aborted)
	attempts := 0
	err := c.RunTransaction(t.Context(), func(_ context.Context, tx *firestore.Transaction) error {
		attempts++
		if _, err := tx.Documents(c.Collection("events")).GetAll(); err != nil {
			return err
		}
		if err := tx.Delete(c.Doc("events/000")); err != nil {
			return err
		}
		return tx.Delete(c.Doc("events/001"))
	})
	if err != nil || attempts != 3 {
		t.Errorf("got %d attempts and %v, want 3", attempts, err)
	}
	e.want(t, 3, 3)
}

func TestWritesThatFail(t *testing.T) {
	e := newExit(t)
	s := newServer(t)
	c := s.client(t, e.Registry)

	s.spoil("Commit", fault{err: status.Error(codes.PermissionDenied, "said so")})
	if err := write(t.Context(), c, 2); status.Code(err) != codes.PermissionDenied {
		t.Errorf("got %v, want %v", err, codes.PermissionDenied)
	}
	e.want(t, 0, 1)

	s.spoil("Commit", fault{err: status.Error(codes.Unavailable, "said so")}) // the client sends it again
	if err := write(t.Context(), c, 2); err != nil {
		t.Error(err)
	}
	e.want(t, 0, 3)

	s.spoil("Commit", fault{})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := write(ctx, c, 2); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("got %v, want %v", err, codes.DeadlineExceeded)
	}
	e.want(t, 0, s.severalWrites())
}

// Reads and writes of several goroutines through one client.
func TestManyAtOnce(t *testing.T) {
	const workers, rounds = 8, 10
	e := newExit(t)
	s := newServer(t)
	s.store.fill("events", 5)
	c := s.client(t, e.Registry)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for range rounds {
				if _, err := c.Collection("events").Documents(t.Context()).GetAll(); err != nil {
					t.Error(err)
				}
				documents := c.Collection("events").Documents(t.Context())
				if _, err := documents.Next(); err != nil {
					t.Error(err)
				}
				documents.Stop()
				if err := write(t.Context(), c, 2); err != nil {
					t.Error(err)
				}
				if err := write(t.Context(), c, 1); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	e.await(t, 2*workers*rounds, workers*rounds)
}
