package instruments

import (
	"context"
	"time"
)

// maxPatience is how long a collection waits for one callback at most.
const maxPatience = time.Second

// A collection with a deadline leaves half of its time to reading the metrics
// themselves and to sending them. Callbacks that hang share the other half, each
// waiting for half of what the ones before it have left. Those that come when
// it is used up may be healthy: each still gets a grace, of which a hundred last
// half as long as what is kept for the rest.
const (
	callbackShare = 2
	graceShare    = 400
)

// budget is how long the callbacks of one collection may take. The zero budget
// has no end.
type budget struct {
	end   time.Time
	grace time.Duration
}

func newBudget(deadline time.Time) budget {
	now := time.Now()
	left := deadline.Sub(now)
	return budget{end: now.Add(left / callbackShare), grace: left / graceShare}
}

// patience is how long the next callback may take.
func (b budget) patience() time.Duration {
	if b.end.IsZero() {
		return maxPatience
	}
	return min(max(time.Until(b.end)/2, b.grace), maxPatience)
}

type budgetKey struct{}

// BoundCallbacks returns ctx for one collection that must be done by the
// deadline of ctx: callbacks that hang, however many, leave about half of the
// time to what comes after them. A collection whose context has a deadline but
// was not prepared waits for hanging callbacks almost until then.
func BoundCallbacks(ctx context.Context) context.Context {
	deadline, ok := ctx.Deadline()
	if !ok {
		return ctx
	}
	return context.WithValue(ctx, budgetKey{}, newBudget(deadline))
}

// BoundCollection does for the collections that follow what [BoundCallbacks]
// does for one. The Prometheus exporter calls it before each gather, since the
// SDK passes it no context to give to callbacks there. The zero time takes the
// bound away.
func (r *Registry) BoundCollection(deadline time.Time) {
	if deadline.IsZero() {
		r.scrapes.Store(nil)
		return
	}
	b := newBudget(deadline)
	r.scrapes.Store(&b)
}

// budget returns that of the collection that ctx belongs to.
func (r *Registry) budget(ctx context.Context) budget {
	if b, ok := ctx.Value(budgetKey{}).(budget); ok {
		return b
	}
	if deadline, ok := ctx.Deadline(); ok {
		return budget{end: deadline}
	}
	if b := r.scrapes.Load(); b != nil {
		return *b
	}
	return budget{}
}
