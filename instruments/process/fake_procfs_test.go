//go:build linux

package process

import (
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/prometheus/procfs"

	"github.com/telltale-agent/telltale/instruments"
	"github.com/telltale-agent/telltale/instruments/instrumentstest"
)

const unlimited = 1.8446744073709552e+19

// fakeProc makes a mount of /proc with one process, from the files given.
func fakeProc(t *testing.T, files map[string]string) source {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	fs, err := procfs.NewFS(root)
	if err != nil {
		t.Fatal(err)
	}
	self, err := fs.Proc(42)
	if err != nil {
		t.Fatal(err)
	}
	return source{self: self, fds: filepath.Join(root, "42", "fd")}
}

const (
	// A process may call itself anything, brackets and spaces included.
	statLine = "42 (a) R (b) S 1 42 42 0 -1 4194560 1 0 0 0 250 150 0 0 20 0 7 0 1234 1048576 3 18446744073709551615 " +
		"1 1 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n"
	limitLines = "Limit                     Soft Limit           Hard Limit           Units     \n" +
		"Max open files            1000                 2000                 files     \n" +
		"Max address space         unlimited            unlimited            bytes     \n"
	bootLines = "cpu  1 2 3 4 5 6 7 8 9 10\nbtime 1700000000\n"
)

func TestValuesOfAProcess(t *testing.T) {
	s := fakeProc(t, map[string]string{"stat": bootLines, "42/stat": statLine, "42/limits": limitLines, "42/fd/0": ""})
	exit := instrumentstest.New(t)
	exit.Registry.Observe(name, s.observe)
	got := collect(t, exit)
	for name, want := range map[string]float64{
		"process_cpu_seconds_total":        4,
		"process_virtual_memory_bytes":     1048576,
		"process_resident_memory_bytes":    3 * float64(os.Getpagesize()),
		"process_start_time_seconds":       1700000012.34,
		"process_max_fds":                  1000,
		"process_virtual_memory_max_bytes": unlimited,
	} {
		if got[name] != want {
			t.Errorf("%s: got %v, want %v", name, got[name], want)
		}
	}
}

// What cannot be read is absent and counted, and costs nothing else.
func TestWhatCannotBeRead(t *testing.T) {
	whole := map[string]string{"stat": bootLines, "42/stat": statLine, "42/limits": limitLines, "42/fd/0": ""}
	tests := []struct {
		name   string
		change map[string]string // "" takes the file away
		absent []string
	}{
		{"nothing is wrong", nil, nil},
		{"no stat of the process", map[string]string{"42/stat": ""}, []string{
			"process_cpu_seconds_total", "process_resident_memory_bytes",
			"process_virtual_memory_bytes", "process_start_time_seconds",
		}},
		{"stat is cut off", map[string]string{"42/stat": "42 (a) S 1"}, []string{
			"process_cpu_seconds_total", "process_resident_memory_bytes",
			"process_virtual_memory_bytes", "process_start_time_seconds",
		}},
		{"no boot time", map[string]string{"stat": ""}, []string{"process_start_time_seconds"}},
		{"no limits", map[string]string{"42/limits": ""}, []string{"process_max_fds", "process_virtual_memory_max_bytes"}},
		{"limits are nonsense", map[string]string{"42/limits": "x\ny\n"}, []string{"process_max_fds", "process_virtual_memory_max_bytes"}},
		{"no descriptors", map[string]string{"42/fd/0": ""}, []string{"process_open_fds"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			files := maps.Clone(whole)
			for name, text := range test.change {
				if files[name] = text; text == "" {
					delete(files, name)
				}
			}
			checkAbsent(t, fakeProc(t, files), test.absent)
		})
	}
}

func checkAbsent(t *testing.T, s source, absent []string) {
	t.Helper()
	exit := instrumentstest.New(t)
	s.failures = instruments.CallbackFailures.In(exit.Registry)
	exit.Registry.Observe(name, s.observe)
	got := collect(t, exit)
	for _, name := range absent {
		if v, ok := got[name]; ok {
			t.Errorf("%s: got %v, want it absent", name, v)
		}
	}
	if want := 7 - len(absent); len(got) != want {
		t.Errorf("got %d metrics, want %d: %v", len(got), want, got)
	}
	failures := 0.0
	for _, value := range exit.Collect(t).With("telltale_callback_failures_total") {
		failures += value
	}
	if counted := failures > 0; counted != (len(absent) > 0) {
		t.Errorf("got %v failures counted", failures)
	}
}
