package auth

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"github.com/telltale-agent/telltale/instruments/instrumentstest"
)

func TestClusterName(t *testing.T) {
	absent := func(err error) bool { return errors.Is(err, fs.ErrNotExist) }
	rows := []struct {
		name     string
		found    string
		err      error
		notFound func(error) bool
		want     float64
	}{
		{"found", "prod", nil, nil, 0},
		{"not found", "", ErrNotFound, nil, 1},
		{"not found, wrapped", "", fmt.Errorf("read the name: %w", ErrNotFound), nil, 1},
		{"empty", "", nil, nil, 1},
		{"canceled", "", context.Canceled, nil, 0},
		{"backend down", "", errors.New("connection refused"), nil, 0},
		{"not found by another error", "", fs.ErrNotExist, absent, 1},
		{"another error, not asked for", "", fs.ErrNotExist, nil, 0},
		{"found, own predicate", "prod", nil, absent, 0},
		{"other failure, own predicate", "", fs.ErrPermission, absent, 0},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			exit := instrumentstest.New(t)
			lookUp := ClusterName(exit.Registry, func(context.Context) (string, error) { return row.found, row.err }, row.notFound)
			for i := range 3 {
				if got, err := lookUp(t.Context()); got != row.found || err != row.err {
					t.Errorf("got %q, %v, want what the look-up returns", got, err)
				}
				exit.WantShown(t, instrumentstest.Values{"cluster_name_not_found_total": row.want * float64(i+1)})
			}
		})
	}
}

func TestClusterNameOfATypeOfItsOwn(t *testing.T) {
	type cluster struct{ Name string }
	var none *cluster
	lookUp := ClusterName(nil, func(context.Context) (*cluster, error) { return none, nil }, nil)
	if got, err := lookUp(t.Context()); got != nil || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestClusterNamePanics(t *testing.T) {
	exit := instrumentstest.New(t)
	lookUp := ClusterName(exit.Registry, func(context.Context) (string, error) { panic(errEntropy) }, nil)
	func() {
		defer func() {
			if got := recover(); got != error(errEntropy) {
				t.Errorf("recovered %v, want the panic itself", got)
			}
		}()
		_, _ = lookUp(t.Context())
	}()
	if exit.Collect(t)["cluster_name_not_found_total"] != 0 {
		t.Error("a panic was counted as a name that is not there")
	}
}

func BenchmarkClusterName(b *testing.B) {
	bare := func(context.Context) (string, error) { return "", ErrNotFound }
	for name, lookUp := range map[string]func(context.Context) (string, error){
		"bare": bare, "measured": ClusterName(instrumentstest.New(b).Registry, bare, nil),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = lookUp(b.Context())
			}
		})
	}
}
