package audit

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/telltale-agent/telltale/instruments/instrumentstest"
)

func TestOpenFiles(t *testing.T) {
	m := instrumentstest.New(t)
	files := NewFiles(m.Registry)
	name := filepath.Join(t.TempDir(), "log")

	if _, err := files.Open(name); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want the error of os", err)
	}
	m.Want(t, openFiles(0))
	written, err := files.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	m.Want(t, openFiles(1))
	if _, err := written.WriteString("an event\n"); err != nil {
		t.Fatal(err)
	}
	read, err := files.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	m.Want(t, openFiles(2))
	if got, err := io.ReadAll(read); err != nil || string(got) != "an event\n" {
		t.Errorf("got %q, %v", got, err)
	}
	temporary, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	counted := files.Count(temporary)
	m.Want(t, openFiles(3))

	for i, file := range []*File{written, read, counted} {
		if err := file.Close(); err != nil {
			t.Error(err)
		}
		m.Want(t, openFiles(float64(2-i)))
		if err := file.Close(); !errors.Is(err, os.ErrClosed) {
			t.Errorf("second close: got %v, want the error of os", err)
		}
		m.Want(t, openFiles(float64(2-i)))
	}
}

func TestOpenFilesConcurrently(t *testing.T) {
	m := instrumentstest.New(t)
	files, dir := NewFiles(m.Registry), t.TempDir()
	var working sync.WaitGroup
	for range 8 {
		working.Go(func() {
			for range 50 {
				file, err := files.OpenFile(filepath.Join(dir, "log"), os.O_CREATE|os.O_WRONLY, 0o600)
				if err != nil {
					t.Error(err)
					return
				}
				var closing sync.WaitGroup
				for range 3 {
					closing.Go(func() { file.Close() })
				}
				closing.Wait()
			}
		})
	}
	working.Wait()
	m.Want(t, openFiles(0))
}

// TestForgottenFile leaves a file to the runtime, which closes it.
func TestForgottenFile(t *testing.T) {
	m := instrumentstest.New(t)
	files, name := NewFiles(m.Registry), filepath.Join(t.TempDir(), "log")
	func() {
		file, err := files.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		runtime.KeepAlive(file)
	}()
	for m.Collect(t)["audit_server_open_files"] != 0 { // until the test times out
		runtime.GC()
	}
}

// A program may have overlooked the error of os.CreateTemp.
func TestNoFileIsNotCounted(t *testing.T) {
	m := instrumentstest.New(t)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("counted what is no file")
			}
		}()
		NewFiles(m.Registry).Count(nil)
	}()
	m.Want(t, openFiles(0))
}

func TestFilesWithoutRegistry(t *testing.T) {
	file, err := NewFiles(nil).Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Error(err)
	}
}

func BenchmarkOpenFile(b *testing.B) {
	name := filepath.Join(b.TempDir(), "log")
	b.Run("bare", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			file, err := os.Create(name)
			if err != nil {
				b.Fatal(err)
			}
			file.Close()
		}
	})
	b.Run("measured", func(b *testing.B) {
		files := NewFiles(instrumentstest.New(b).Registry)
		b.ReportAllocs()
		for b.Loop() {
			file, err := files.Create(name)
			if err != nil {
				b.Fatal(err)
			}
			file.Close()
		}
	})
}
