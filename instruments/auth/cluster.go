package auth

import (
	"context"
	"errors"

	"github.com/telltale-agent/telltale/instruments"
)

// ErrNotFound says that there is no cluster name. A look-up returns it, or an
// error that wraps it, where no other error says the same.
var ErrNotFound = errors.New("cluster name not found")

// ClusterName returns lookUp, counted in reg when it finds no name. That is
// when notFound says so of its error, or when it returns the zero value of T,
// such as the empty string, without an error. Results, errors and panics are
// handed on as they are. A nil notFound means an error that is [ErrNotFound].
// What it returns is as safe for concurrent use as lookUp and notFound are.
func ClusterName[T comparable](
	reg *instruments.Registry,
	lookUp func(context.Context) (T, error),
	notFound func(error) bool,
) func(context.Context) (T, error) {
	if notFound == nil {
		notFound = isNotFound
	}
	missing := instruments.ClusterNameNotFound.In(reg)
	return func(ctx context.Context) (T, error) {
		name, err := lookUp(ctx)
		var none T
		if err == nil && name == none || err != nil && notFound(err) {
			missing.Inc()
		}
		return name, err
	}
}

func isNotFound(err error) bool { return errors.Is(err, ErrNotFound) }
