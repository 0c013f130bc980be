package audit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/telltale-agent/telltale/instruments"
)

// DefaultInterval is the time between two checks of the disk.
const DefaultInterval = 5 * time.Minute

// warnAbove is how full a disk may be, in percent, before it is worth a warning.
const warnAbove = 90

// closePatience bounds how long Close waits for a check that hangs.
const closePatience = time.Second

// DiskOptions change what [MonitorDisk] does. The zero value is fine.
type DiskOptions struct {
	// Interval is the time between two checks. 0 or less means [DefaultInterval].
	Interval time.Duration

	// Logger is told when the disk is more than 90 percent full and when checks
	// fail, once when it begins and once when it ends. Nil means slog.Default().
	Logger *slog.Logger
}

// DiskMonitor looks at the disk of an audit log until it is closed.
type DiskMonitor struct {
	dir     string
	logger  *slog.Logger
	used    *instruments.GaugeCell
	failed  *instruments.CounterCell
	measure func(dir string) (percent float64, err error)

	cancel context.CancelFunc
	done   chan struct{}

	// What follows belongs to the goroutine of run.
	filling bool // the last check found the disk too full
	failing bool // the last check failed
	overdue bool // the check under way was counted as failed
}

// MonitorDisk checks how full the file system of dir is, now and at every
// interval, and records it in reg. It returns without waiting for the first
// check. That dir does not exist, or does not exist any longer, is a failure of
// the check, and ends when it is there again. On platforms that cannot tell,
// there is one check, which fails. The caller must close the monitor.
func MonitorDisk(reg *instruments.Registry, dir string, options DiskOptions) *DiskMonitor {
	return monitorDisk(reg, dir, options, percentUsed)
}

func monitorDisk(reg *instruments.Registry, dir string, options DiskOptions, measure func(string) (float64, error)) *DiskMonitor {
	if options.Interval <= 0 {
		options.Interval = DefaultInterval
	}
	if options.Logger == nil {
		options.Logger = slog.Default()
	}
	ctx, cancel := context.WithCancel(context.Background())
	m := &DiskMonitor{
		dir:     dir,
		logger:  options.Logger.With("component", "audit", "dir", dir),
		used:    instruments.AuditDiskUsed.In(reg),
		failed:  instruments.AuditDiskChecksFailed.In(reg),
		measure: measure,
		cancel:  cancel,
		done:    make(chan struct{}),
	}
	go m.run(ctx, options.Interval)
	return m
}

// Close stops the checks and waits until they have stopped, but no longer than
// a second for one that hangs in the operating system. It may be called more
// than once, and by several at once.
func (m *DiskMonitor) Close() {
	m.cancel()
	<-m.done
}

// reading is the outcome of one check.
type reading struct {
	percent float64
	err     error
}

// run makes one check at a time. A file system can hang for ever, such as one
// whose server is gone; so each check has a goroutine, and no second one is
// started before it is back.
func (m *DiskMonitor) run(ctx context.Context, interval time.Duration) {
	defer close(m.done)
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	under := m.check()
	for {
		select {
		case r := <-under:
			under = nil
			m.record(r)
			if errors.Is(r.err, errors.ErrUnsupported) {
				return
			}
		case <-ticker.C:
			if under != nil {
				m.miss()
				continue
			}
			under = m.check()
		case <-ctx.Done():
			m.abandon(under)
			return
		}
	}
}

// check starts one and returns where its outcome arrives.
func (m *DiskMonitor) check() <-chan reading {
	outcome := make(chan reading, 1) // it is sent whether or not anybody waits
	go func() {
		percent, err := m.measure(m.dir)
		outcome <- reading{percent, err}
	}()
	return outcome
}

// abandon waits for the check under way, if there is one.
func (m *DiskMonitor) abandon(under <-chan reading) {
	if under == nil {
		return
	}
	patience := time.NewTimer(closePatience)
	defer patience.Stop()
	select {
	case <-under:
	case <-patience.C:
	}
}

var errOverdue = errors.New("no answer before the next check was due")

// miss counts the check under way as failed, once for each that it holds up.
func (m *DiskMonitor) miss() {
	m.overdue = true
	m.fail(errOverdue)
}

func (m *DiskMonitor) record(r reading) {
	overdue := m.overdue
	m.overdue = false
	if r.err != nil {
		if !overdue { // it was counted
			m.fail(r.err)
		}
		return
	}
	if m.failing {
		m.failing = false
		m.logger.Info("audit log disk can be checked again")
	}
	m.used.Set(r.percent)
	m.warn(r.percent)
}

func (m *DiskMonitor) fail(err error) {
	m.failed.Inc()
	if !m.failing {
		m.failing = true
		m.logger.Warn("audit log disk cannot be checked", "err", err)
	}
}

func (m *DiskMonitor) warn(percent float64) {
	switch filling := percent > warnAbove; {
	case filling && !m.filling:
		m.logger.Warn("audit log disk is nearly full", "used_percent", percent, "limit_percent", warnAbove)
	case !filling && m.filling:
		m.logger.Info("audit log disk has room again", "used_percent", percent, "limit_percent", warnAbove)
	}
	m.filling = percent > warnAbove
}

// percentUsed asks the operating system how full the file system of dir is.
func percentUsed(dir string) (float64, error) {
	size, err := statfs(dir)
	if err != nil {
		return 0, fmt.Errorf("find the free space of %s: %w", dir, err)
	}
	percent, ok := size.percentUsed()
	if !ok {
		return 0, fmt.Errorf("find the free space of %s: its file system has no size", dir)
	}
	return percent, nil
}

// fileSystem is the size of a file system, all in the same unit.
type fileSystem struct {
	total     uint64
	free      uint64 // also for those with privileges
	available uint64 // for everybody
}

// percentUsed is from 0 to 100, or false for what has no size, such as /proc.
func (f fileSystem) percentUsed() (percent float64, ok bool) {
	used := float64(f.total) - float64(min(f.free, f.total))
	all := used + float64(min(f.available, f.total))
	if all == 0 {
		return 0, false
	}
	return used / all * 100, true
}
