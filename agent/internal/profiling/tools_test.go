package profiling

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"testing"
	"time"
)

// goTool skips the test where the go command is missing.
func goTool(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("the go command is missing")
	}
}

func runGo(t *testing.T, args ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", args...)
	command.Env = append(os.Environ(), "PPROF_TMPDIR="+t.TempDir())
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func TestGoToolPprof(t *testing.T) {
	goTool(t)
	server := serve(t, Options{})
	for _, row := range []struct{ path, want string }{
		{"heap", "inuse_space"},
		{"allocs", "alloc_space"},
		{"goroutine", "Type: goroutine"},
		{"profile?seconds=1", "Type: cpu"},
		{"heap?seconds=1", "inuse_space"},
	} {
		t.Run(row.path, func(t *testing.T) {
			out := runGo(t, "tool", "pprof", "-top", server.URL+Path+row.path)
			if !strings.Contains(out, row.want) {
				t.Errorf("got %s, want %q in it", out, row.want)
			}
		})
	}
	t.Run("an error is shown", func(t *testing.T) {
		out, err := exec.CommandContext(t.Context(), "go", "tool", "pprof", "-top", server.URL+Path+"profile?seconds=500").CombinedOutput()
		if err == nil || !strings.Contains(string(out), "above the cap of 120") {
			t.Errorf("got %v %s", err, out)
		}
	})
}

func TestGoToolTrace(t *testing.T) {
	goTool(t)
	_, body := get(t, serve(t, Options{}), Path+"trace?seconds=0.1")
	file := filepath.Join(t.TempDir(), "trace")
	if err := os.WriteFile(file, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := runGo(t, "tool", "trace", "-d=parsed", file); !strings.Contains(out, "Sync") {
		t.Errorf("got %.500s", out)
	}
}

func parked(stop <-chan struct{})  { <-stop }
func leaving(stop <-chan struct{}) { <-stop }

func goroutines(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&out, 0); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// waitFor returns when want goroutines are parked in the function.
func waitFor(t *testing.T, function string, want int) {
	t.Helper()
	for range 10_000 {
		got := 0
		for group := range strings.SplitSeq(string(dump(1<<24)), "\n\n") {
			if strings.Contains(group, "[chan receive") && strings.Contains(group, "profiling."+function+"(") {
				got++
			}
		}
		if got == want {
			return
		}
	}
	t.Fatalf("there never were %d goroutines in %s", want, function)
}

func TestDifference(t *testing.T) {
	goTool(t)
	stopFirst, stop := make(chan struct{}), make(chan struct{})
	defer close(stop)
	for range 3 {
		go leaving(stopFirst)
	}
	waitFor(t, "leaving", 3)
	before := goroutines(t)
	close(stopFirst)
	for range 7 {
		go parked(stop)
	}
	waitFor(t, "leaving", 0)
	waitFor(t, "parked", 7)

	data, err := difference(before, goroutines(t), 1500*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "delta")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	out := runGo(t, "tool", "pprof", "-raw", file)
	samples, _, _ := strings.Cut(out, "Locations")
	if !strings.Contains(samples, "\n          7: ") || !strings.Contains(samples, "\n         -3: ") {
		t.Errorf("samples of 7 new and 3 gone goroutines are missing:\n%s", samples)
	}
	if !strings.Contains(out, "profiling.parked") || !strings.Contains(out, "profiling.leaving") {
		t.Errorf("functions are missing:\n%s", out)
	}
	if !strings.Contains(out, "Duration: 1.5") {
		t.Errorf("the duration is missing:\n%.300s", out)
	}

	same, err := difference(before, before, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if parts, err := split(same); err != nil || len(parts[fieldSample]) != 0 {
		t.Errorf("the difference of equal profiles has %d samples, error %v", len(parts[fieldSample]), err)
	}
}

// FuzzDifference works on unpacked profiles, as the checksum of gzip would turn
// everything else away.
func FuzzDifference(f *testing.F) {
	var packed bytes.Buffer
	pprof.Lookup("goroutine").WriteTo(&packed, 0)
	r, err := gzip.NewReader(&packed)
	if err != nil {
		f.Fatal(err)
	}
	message, err := io.ReadAll(r)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(message, message)
	f.Add([]byte{}, []byte("x"))
	f.Fuzz(func(t *testing.T, before, after []byte) {
		pack := func(message []byte) []byte {
			var out bytes.Buffer
			w := gzip.NewWriter(&out)
			w.Write(message)
			w.Close()
			return out.Bytes()
		}
		data, err := difference(pack(before), pack(after), time.Second)
		if err != nil {
			return
		}
		if _, err := split(data); err != nil {
			t.Errorf("the result is malformed: %v", err)
		}
	})
}
