//go:build !windows && !js && !wasip1 && !darwin

package process

import (
	"context"
	"fmt"
	"os"

	"github.com/prometheus/procfs"

	"github.com/telltale-agent/telltale/instruments"
)

// Observe makes /proc the source of the process_* metrics of this process in
// reg, until the returned function is called. Several registries may observe
// it at once. With a nil registry it does nothing.
//
// Without /proc there is an error, and the metrics are absent; the returned
// function does nothing then, and is never nil. A metric that cannot be read
// in one collection is absent from it, and a collection with such metrics
// counts in telltale_callback_failures_total{callback="process",reason="error"}.
func Observe(reg *instruments.Registry) (stop func(), err error) {
	self, err := procfs.Self()
	if err != nil {
		return func() {}, fmt.Errorf("find this process in %s: %w", procfs.DefaultMountPoint, err)
	}
	s := source{
		self:     self,
		fds:      fmt.Sprintf("%s/%d/fd", procfs.DefaultMountPoint, self.PID),
		failures: instruments.CallbackFailures.In(reg),
	}
	return reg.Observe(name, s.observe), nil
}

const name = "process" // of the source

type source struct {
	self     procfs.Proc
	fds      string // the directory of its open file descriptors
	failures *instruments.CounterCells[instruments.CallbackFailure]
}

func (s source) observe(_ context.Context, o *instruments.Observation) {
	failed := false
	for _, read := range []func(*instruments.Observation) error{s.observeStat, s.observeLimits, s.observeFDs} {
		if read(o) != nil {
			failed = true
		}
	}
	if failed {
		s.failures.Add(1, instruments.CallbackFailure{Callback: name, Reason: instruments.CallbackError})
	}
}

func (s source) observeStat(o *instruments.Observation) error {
	stat, err := s.self.Stat()
	if err != nil {
		return err
	}
	instruments.ProcessCPUSeconds.Observe(o, stat.CPUTime())
	instruments.ProcessVirtualMemoryBytes.Observe(o, float64(stat.VirtualMemory()))
	instruments.ProcessResidentMemoryBytes.Observe(o, float64(stat.ResidentMemory()))

	// It is read again each time, since it moves when the clock is set.
	start, err := stat.StartTime()
	if err != nil {
		return err
	}
	instruments.ProcessStartTime.Observe(o, start)
	return nil
}

// observeLimits reports the soft limits. Without a limit that is the largest
// unsigned integer, which only a float64 carries to every exit.
func (s source) observeLimits(o *instruments.Observation) error {
	limits, err := s.self.Limits()
	if err != nil {
		return err
	}
	instruments.ProcessMaxFDs.Observe(o, float64(limits.OpenFiles))
	instruments.ProcessVirtualMemoryMaxBytes.Observe(o, float64(limits.AddressSpace))
	return nil
}

func (s source) observeFDs(o *instruments.Observation) error {
	open, err := openFDs(s.fds)
	if err != nil {
		return err
	}
	instruments.ProcessOpenFDs.Observe(o, float64(open))
	return nil
}

// openFDs counts the entries of a directory of file descriptors. Linux tells
// the number as the directory's size since 6.2; before, that is 0.
func openFDs(dir string) (int64, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return 0, err
	}
	if size := info.Size(); size > 0 {
		return size, nil
	}
	return listFDs(dir)
}

// listFDs counts by listing, which opens one file descriptor more.
func listFDs(dir string) (int64, error) {
	d, err := os.Open(dir)
	if err != nil {
		return 0, err
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	if err != nil {
		return 0, err
	}
	return int64(len(names)) - 1, nil
}
