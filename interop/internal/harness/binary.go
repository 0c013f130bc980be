package harness

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// BinaryVariable names an environment variable with the path of a built command to test in place of the sources.
const BinaryVariable = "TELLTALE_BINARY"

const productModule = "module github.com/telltale-agent/telltale"

// shared is the one command of this test binary.
var shared build

// build compiles the command when it is first asked for.
type build struct {
	once sync.Once
	dir  string
	path string
	err  error
}

// binary is the path of the command under test.
func binary(t testing.TB) string {
	t.Helper()
	shared.once.Do(shared.compile)
	if shared.err != nil {
		t.Fatalf("build the telltale command: %v", shared.err)
	}
	return shared.path
}

func (b *build) compile() {
	if b.path = os.Getenv(BinaryVariable); b.path != "" {
		return
	}
	root, err := Root()
	if err != nil {
		b.err = err
		return
	}
	if b.dir, b.err = os.MkdirTemp("", "telltale-interop-"); b.err != nil {
		return
	}
	b.path = filepath.Join(b.dir, "telltale")
	args := []string{"build", "-o", b.path}
	if raceEnabled {
		args = append(args, "-race")
	}
	// The product's own directory, so that its own go.mod chooses the versions and not the one of its peers.
	cmd := exec.Command("go", append(args, "./cmd/telltale")...)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		b.err = fmt.Errorf("%w\n%s", err, out)
	}
}

func (b *build) remove() {
	if b.dir != "" {
		_ = os.RemoveAll(b.dir)
	}
}

// Root is the directory of the product's module: the nearest one above the working directory.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && strings.TrimSpace(strings.SplitN(string(text), "\n", 2)[0]) == productModule {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no directory above the tests holds the product's go.mod")
		}
		dir = parent
	}
}
