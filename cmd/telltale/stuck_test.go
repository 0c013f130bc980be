package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// TestStopWhileStarting stops a telltale whose configuration file never comes to
// its end, as on a file system that is gone or in a terminal.
func TestStopWhileStarting(t *testing.T) {
	dir := t.TempDir()
	config := filepath.Join(dir, "config.yaml")
	if out, err := exec.Command("mkfifo", config).CombinedOutput(); err != nil {
		t.Skipf("no named pipes here: %v %s", err, out)
	}
	d, err := newDaemon(dir, "telltale", []string{"start", "--diag-addr=127.0.0.1:0", "--config", config}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.kill)
	var pipe *os.File
	err = eventually(func() (err error) { // until telltale reads it
		pipe, err = os.OpenFile(config, os.O_WRONLY|syscall.O_NONBLOCK, 0)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	defer pipe.Close()

	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := d.wait(); err != nil {
		text, _ := d.logged()
		t.Errorf("after SIGTERM: %v, want status 0; log:\n%s", err, text)
	}
}
