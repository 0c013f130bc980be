package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestBuildRef asks make what it would give to the linker: the label gitref of
// teleport_build_info is what git describe --long --tags prints, and the commit
// as long as there is no tag.
func TestBuildRef(t *testing.T) {
	makefile, err := filepath.Abs(filepath.Join(repository, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	clone := emptyClone{t.TempDir()}
	refOf := func() string {
		t.Helper()
		match := regexp.MustCompile(`-X main\.gitRef=(\S*?)["\s]`).FindStringSubmatch(clone.run(t, "make", "-n", "-f", makefile, "build"))
		if match == nil {
			t.Fatal("make build sets no git ref")
		}
		return match[1]
	}
	clone.run(t, "git", "init", "-q")
	clone.run(t, "git", "commit", "-q", "--allow-empty", "-m", "first")
	if got, want := refOf(), clone.run(t, "git", "rev-parse", "--short", "HEAD"); got != want {
		t.Errorf("without a tag the git ref is %q, want the commit %q", got, want)
	}
	clone.run(t, "git", "tag", "v1.2.3")
	clone.run(t, "git", "commit", "-q", "--allow-empty", "-m", "second")
	if got, want := refOf(), clone.run(t, "git", "describe", "--long", "--tags"); got != want {
		t.Errorf("the git ref is %q, want %q", got, want)
	}
}

// emptyClone is a directory for a repository without files.
type emptyClone struct{ dir string }

// run returns what a command prints. Of the environment it keeps out what says
// which repository, or which version, to take instead.
func (c emptyClone) run(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = c.dir
	foreign := regexp.MustCompile(`^(GIT_\w*|GITREF|VERSION|MAKEFLAGS|MFLAGS|MAKELEVEL)=`)
	cmd.Env = append(slices.DeleteFunc(os.Environ(), foreign.MatchString),
		"GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=test", "GIT_AUTHOR_EMAIL=test@example.com",
		"GIT_COMMITTER_NAME=test", "GIT_COMMITTER_EMAIL=test@example.com")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}
