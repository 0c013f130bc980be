package audit

import (
	"os"
	"runtime"
	"sync"

	"github.com/telltale-agent/telltale/instruments"
)

// Files opens the files of an audit log and counts those that are open. All
// methods are safe for concurrent use.
type Files struct {
	open *instruments.GaugeCell
}

// NewFiles returns Files that count in reg.
func NewFiles(reg *instruments.Registry) *Files {
	return &Files{open: instruments.AuditOpenFiles.In(reg)}
}

// OpenFile is os.OpenFile, counted. Errors are those of os.
func (f *Files) OpenFile(name string, flag int, perm os.FileMode) (*File, error) {
	file, err := os.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return f.Count(file), nil
}

// Open is os.Open, counted. Errors are those of os.
func (f *Files) Open(name string) (*File, error) { return f.OpenFile(name, os.O_RDONLY, 0) }

// Create is os.Create, counted. Errors are those of os.
func (f *Files) Create(name string) (*File, error) {
	return f.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o666)
}

// Count counts a file that was opened otherwise, such as by os.CreateTemp. It
// is to be closed through what Count returns.
func (f *Files) Count(file *os.File) *File {
	c := &File{File: file, place: &place{open: f.open}}
	// The runtime closes a file that nobody can reach any longer.
	c.place.cleanup = runtime.AddCleanup(file, (*place).leave, c.place)
	f.open.Inc() // after what panics if there is no file
	return c
}

// File is an os.File that counts as open until it is closed.
type File struct {
	*os.File
	place *place
}

// Close closes the file, which no longer counts from then on, whatever the
// error. Closing again changes nothing, and returns the error of os.
func (f *File) Close() error {
	defer f.place.close()
	return f.File.Close()
}

// place is one among the open files. It must not lead to the file.
type place struct {
	open    *instruments.GaugeCell
	once    sync.Once
	cleanup runtime.Cleanup
}

func (p *place) leave() { p.once.Do(p.open.Dec) }

func (p *place) close() {
	p.leave()
	p.cleanup.Stop()
}
