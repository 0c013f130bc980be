package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// A user gets in with OpenSSH by the commands that the program prints.
func TestOpenSSHGetsIn(t *testing.T) {
	for _, tool := range []string{"ssh", "ssh-keygen", "curl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
	plane, err := Start(t.Context(), Config{
		Dir:    t.TempDir(),
		Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := plane.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	script := strings.ReplaceAll(fmt.Sprintf(wayIn, plane.apiAddr), "ssh -F config", "ssh -tt -o BatchMode=yes -F config")
	shell := exec.CommandContext(ctx, "sh", "-ec", script)
	shell.Dir = t.TempDir()
	shell.WaitDelay = time.Second
	stdin, err := shell.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(stdin, "who is there\r\x04"); err != nil {
		t.Fatal(err)
	}
	out, err := shell.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "who is there\r\n") {
		t.Errorf("%v, output:\n%s", err, out)
	}
}
