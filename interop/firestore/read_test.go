package firestore

import (
	"context"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestReads(t *testing.T) {
	const stored = 5
	for _, row := range []struct {
		name string
		read func(context.Context, *firestore.Client) (int, error)
		got  int
		want int
	}{
		{"one document", func(ctx context.Context, c *firestore.Client) (int, error) {
			_, err := c.Doc("events/001").Get(ctx)
			return 1, err
		}, 1, 1},
		{"several documents", func(ctx context.Context, c *firestore.Client) (int, error) {
			got, err := c.GetAll(ctx, []*firestore.DocumentRef{c.Doc("events/001"), c.Doc("events/002"), c.Doc("events/nothing")})
			return len(got), err
		}, 3, 1},
		{"a collection", func(ctx context.Context, c *firestore.Client) (int, error) {
			got, err := c.Collection("events").Documents(ctx).GetAll()
			return len(got), err
		}, stored, 1},
		{"a query", func(ctx context.Context, c *firestore.Client) (int, error) {
			got, err := c.Collection("events").Where("odd", "==", true).Limit(10).Documents(ctx).GetAll()
			return len(got), err
		}, 2, 1},
		{"a query that finds nothing", func(ctx context.Context, c *firestore.Client) (int, error) {
			got, err := c.Collection("nothing").Documents(ctx).GetAll()
			return len(got), err
		}, 0, 1},
		{"a count", func(ctx context.Context, c *firestore.Client) (int, error) {
			got, err := c.Collection("events").NewAggregationQuery().WithCount("all").Get(ctx)
			return len(got), err
		}, 1, 1},
		{"pages of a list", func(ctx context.Context, c *firestore.Client) (int, error) {
			got, err := c.Collection("events").DocumentRefs(ctx).GetAll()
			return len(got), err
		}, stored, 3},
		{"names of collections", func(ctx context.Context, c *firestore.Client) (int, error) {
			got, err := c.Collections(ctx).GetAll()
			return len(got), err
		}, 1, 0},
		{"two queries of a transaction", func(ctx context.Context, c *firestore.Client) (int, error) {
			n := 0
			err := c.RunTransaction(ctx, func(_ context.Context, tx *firestore.Transaction) error {
				for range 2 {
					got, err := tx.Documents(c.Collection("events")).GetAll()
					if err != nil {
						return err
					}
					n += len(got)
				}
				return nil
			})
			return n, err
		}, 2 * stored, 2},
	} {
		t.Run(row.name, func(t *testing.T) {
			e := newExit(t)
			s := newServer(t)
			s.store.fill("events", stored)
			got, err := row.read(t.Context(), s.client(t, e.Registry))
			if err != nil || got != row.got {
				t.Errorf("got %d and %v, want %d", got, err, row.got)
			}
			e.want(t, row.want, 0)
		})
	}
}

func TestMissingDocument(t *testing.T) {
	e := newExit(t)
	s := newServer(t)
	if _, err := s.client(t, e.Registry).Doc("events/nothing").Get(t.Context()); status.Code(err) != codes.NotFound {
		t.Errorf("got %v, want %v", err, codes.NotFound)
	}
	e.want(t, 1, 0)
}

func TestReadsThatFail(t *testing.T) {
	refused := status.Error(codes.PermissionDenied, "said so")
	for _, row := range []struct {
		name  string
		fault fault
	}{
		{"at once", fault{0, refused}},
		{"in the middle", fault{3, refused}},
		{"after the last document", fault{5, refused}},
	} {
		t.Run(row.name, func(t *testing.T) {
			e := newExit(t)
			s := newServer(t)
			s.store.fill("events", 5)
			c := s.client(t, e.Registry)
			s.spoil("RunQuery", row.fault)
			if _, err := c.Collection("events").Documents(t.Context()).GetAll(); status.Code(err) != codes.PermissionDenied {
				t.Errorf("got %v, want %v", err, codes.PermissionDenied)
			}
			e.want(t, 1, 0)
			s.spoil("BatchGetDocuments", fault{0, refused})
			if _, err := c.Doc("events/001").Get(t.Context()); status.Code(err) != codes.PermissionDenied {
				t.Errorf("got %v, want %v", err, codes.PermissionDenied)
			}
			e.want(t, 2, 0)
		})
	}
}

// An iterator that is stopped early does not read to the end of the stream.
func TestIteratorThatIsStopped(t *testing.T) {
	for name, leave := range map[string]func(*firestore.DocumentIterator, context.CancelFunc){
		"stopped":   func(i *firestore.DocumentIterator, _ context.CancelFunc) { i.Stop() },
		"cancelled": func(_ *firestore.DocumentIterator, cancel context.CancelFunc) { cancel() },
	} {
		t.Run(name, func(t *testing.T) {
			e := newExit(t)
			s := newServer(t)
			s.store.fill("events", 5)
			s.spoil("RunQuery", fault{after: 3})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			documents := s.client(t, e.Registry).Collection("events").Documents(ctx)
			for range 3 {
				if _, err := documents.Next(); err != nil {
					t.Fatal(err)
				}
				e.want(t, 0, 0)
			}
			leave(documents, cancel)
			e.await(t, 1, 0)
			documents.Stop()
			e.want(t, 1, 0)
		})
	}
}

func TestReadThatTakesTooLong(t *testing.T) {
	e := newExit(t)
	s := newServer(t)
	s.store.fill("events", 5)
	s.spoil("RunQuery", fault{after: 2})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := s.client(t, e.Registry).Collection("events").Documents(ctx).GetAll()
	if status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("got %v, want %v", err, codes.DeadlineExceeded)
	}
	e.await(t, 1, 0)
}
