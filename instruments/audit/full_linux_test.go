package audit

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/telltale-agent/telltale/instruments/instrumentstest"
)

// insideEnv has the directory to mount on, in a test binary that was started
// with a mount table of its own. Nothing that it mounts is seen elsewhere, or
// outlives it.
const insideEnv = "TELLTALE_AUDIT_TEST_MOUNT"

func mountTmpfs(dir string) {
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m,mode=700"); err != nil {
		fmt.Println("mount:", err)
		os.Exit(3)
	}
}

func TestFullFileSystem(t *testing.T) {
	if dir := os.Getenv(insideEnv); dir != "" {
		testFullFileSystem(t, dir)
		return
	}
	inside := exec.Command(os.Args[0], "-test.run=^TestFullFileSystem$", "-test.v")
	inside.Env = append(os.Environ(), insideEnv+"="+t.TempDir())
	inside.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	output, err := inside.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && exit.ExitCode() == 3:
		t.Skipf("a file system cannot be mounted here: %s", output)
	case err != nil && !errors.As(err, &exit):
		t.Skip("namespaces are not to be had here: ", err)
	case err != nil || !strings.Contains(string(output), "--- PASS: TestFullFileSystem"):
		t.Errorf("%v\n%s", err, output)
	}
}

// testFullFileSystem writes an audit log to a small disk until that is full,
// and makes room again.
func testFullFileSystem(t *testing.T, dir string) {
	m := instrumentstest.New(t)
	file, err := NewFiles(m.Registry).Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	emitter := Wrap(m.Registry, EmitterFunc[[]byte](func(_ context.Context, line []byte) error {
		_, err := file.Write(line)
		return err
	}))
	synctest.Test(t, func(t *testing.T) {
		var log lines
		monitor := MonitorDisk(m.Registry, dir, DiskOptions{Logger: log.logger()})
		defer monitor.Close()
		synctest.Wait()
		m.Want(t, disk(0, 0))

		event, emitted := make([]byte, 4096), 0.0
		for {
			emitted++
			if err := emitter.Emit(t.Context(), event); err != nil {
				if !errors.Is(err, syscall.ENOSPC) {
					t.Fatal(err)
				}
				break
			}
		}
		m.Want(t, events(emitted, 1))
		time.Sleep(DefaultInterval)
		synctest.Wait()
		m.Want(t, disk(100, 0))
		if got := log.take(); !strings.Contains(got, "level=WARN") || !strings.Contains(got, "used_percent=100") {
			t.Errorf("logged %q, want a warning", got)
		}

		if err := file.Truncate(0); err != nil {
			t.Fatal(err)
		}
		time.Sleep(DefaultInterval)
		synctest.Wait()
		m.Want(t, disk(0, 0))
		if got := log.take(); !strings.Contains(got, "level=INFO") {
			t.Errorf("logged %q, want that it ended", got)
		}
	})
}

// TestPercentUsedLikeDF compares with what operators look at.
func TestPercentUsedLikeDF(t *testing.T) {
	dir := t.TempDir()
	output, err := exec.Command("df", "--output=pcent", dir).Output()
	if err != nil {
		t.Skip("df is not here, or another: ", err)
	}
	fields := strings.Fields(string(output))
	want, err := strconv.ParseFloat(strings.TrimSuffix(fields[len(fields)-1], "%"), 64)
	if err != nil {
		t.Fatal(err)
	}
	got, err := percentUsed(dir)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(math.Ceil(got)-want) > 1 { // others write to the disk meanwhile
		t.Errorf("got %v, df says %v", got, want)
	}
}
