package auth_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/telltale-agent/telltale/instruments/auth"
	"github.com/telltale-agent/telltale/instruments/instrumentstest"
)

func ExampleGenerate() {
	exit := instrumentstest.Open() // a program has an agent: agent.Instruments()
	defer exit.Close()

	limiter := auth.New(exit.Registry, 1)
	newKey := func(context.Context) (ed25519.PrivateKey, error) {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	}
	_, err := auth.Generate(context.Background(), limiter, func(ctx context.Context) (ed25519.PrivateKey, error) {
		if _, err := auth.Generate(ctx, limiter, newKey); errors.Is(err, auth.ErrThrottled) {
			fmt.Println("one at a time")
		}
		return newKey(ctx)
	})
	if err != nil {
		fmt.Println(err)
	}
	fmt.Print(exit.Show("auth_generate"))
	// Output:
	// one at a time
	// auth_generate_requests_throttled_total 1
	// auth_generate_requests_total 1
	// auth_generate_seconds_count 1
}

func ExampleClusterName() {
	exit := instrumentstest.Open() // a program has an agent: agent.Instruments()
	defer exit.Close()

	lookUp := auth.ClusterName(exit.Registry, func(context.Context) (string, error) {
		name, err := os.ReadFile(filepath.Join("testdata", "no-such-file"))
		return string(name), err
	}, func(err error) bool { return errors.Is(err, fs.ErrNotExist) })
	if _, err := lookUp(context.Background()); err != nil {
		fmt.Println("no name")
	}
	fmt.Print(exit.Show("cluster_name"))
	// Output:
	// no name
	// cluster_name_not_found_total 1
}
