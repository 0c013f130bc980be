package audit

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/telltale-agent/telltale/instruments/instrumentstest"
)

// scripted is what the disk says, one after another; the last is repeated.
type scripted struct {
	mu       sync.Mutex // guards the rest
	readings []reading
	checks   int
}

func (s *scripted) measure(string) (float64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.checks++
	r := s.readings[0]
	if len(s.readings) > 1 {
		s.readings = s.readings[1:]
	}
	return r.percent, r.err
}

func TestDiskChecks(t *testing.T) {
	const (
		full = `level=WARN msg="audit log disk is nearly full" component=audit used_percent=%v limit_percent=90`
		room = `level=INFO msg="audit log disk has room again" component=audit used_percent=%v limit_percent=90`
		lost = `level=WARN msg="audit log disk cannot be checked" component=audit err="no room"`
		back = `level=INFO msg="audit log disk can be checked again" component=audit`
	)
	steps := []struct {
		reading
		failed float64
		used   float64
		log    string
	}{
		{reading{50, nil}, 0, 50, ""},
		{reading{90, nil}, 0, 90, ""},
		{reading{90.5, nil}, 0, 90.5, fmt.Sprintf(full, 90.5)},
		{reading{99, nil}, 0, 99, ""},
		{reading{0, errFull}, 1, 99, lost},
		{reading{0, errFull}, 2, 99, ""},
		{reading{98, nil}, 2, 98, back},
		{reading{90, nil}, 2, 90, fmt.Sprintf(room, 90)},
		{reading{100, nil}, 2, 100, fmt.Sprintf(full, 100)},
	}
	m := instrumentstest.New(t)
	synctest.Test(t, func(t *testing.T) {
		var script scripted
		for _, step := range steps {
			script.readings = append(script.readings, step.reading)
		}
		var log lines
		monitor := monitorDisk(m.Registry, "/audit", DiskOptions{Logger: log.logger()}, script.measure)
		defer monitor.Close()
		for i, step := range steps {
			synctest.Wait() // the first check needs no tick
			m.Want(t, disk(step.used, step.failed))
			if got := log.take(); got != step.log {
				t.Errorf("check %d: logged %q, want %q", i, got, step.log)
			}
			time.Sleep(DefaultInterval)
		}
	})
}

func TestDiskInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, interval := range []time.Duration{0, -1, time.Minute, time.Hour} {
			script := scripted{readings: []reading{{1, nil}}}
			monitor := monitorDisk(nil, "/audit", DiskOptions{Interval: interval}, script.measure)
			want := interval
			if want <= 0 {
				want = 5 * time.Minute
			}
			time.Sleep(3*want - 1)
			monitor.Close()
			time.Sleep(10 * want)
			if script.checks != 3 {
				t.Errorf("interval %v: %d checks, want 3 and none after Close", interval, script.checks)
			}
		}
	})
}

// TestDiskThatHangs has a file system that does not answer for a while.
func TestDiskThatHangs(t *testing.T) {
	m := instrumentstest.New(t)
	synctest.Test(t, func(t *testing.T) {
		answer := make(chan float64)
		var checks atomic.Int64
		var log lines
		monitor := monitorDisk(m.Registry, "/audit", DiskOptions{Logger: log.logger()}, func(string) (float64, error) {
			checks.Add(1)
			return <-answer, nil
		})
		time.Sleep(2*DefaultInterval + 1)
		m.Want(t, disk(0, 2))
		if got, want := log.take(), `level=WARN msg="audit log disk cannot be checked" component=audit err="no answer before the next check was due"`; got != want {
			t.Errorf("logged %q, want %q", got, want)
		}
		if checks := checks.Load(); checks != 1 {
			t.Errorf("%d checks at a time, want 1", checks)
		}
		answer <- 40
		synctest.Wait()
		m.Want(t, disk(40, 2))

		time.Sleep(DefaultInterval)
		began := time.Now()
		monitor.Close() // a check hangs
		if took := time.Since(began); took != closePatience {
			t.Errorf("close took %v, want %v", took, closePatience)
		}
		answer <- 41 // and ends late
		synctest.Wait()
		m.Want(t, disk(40, 2))
	})
}

func TestDiskUnsupported(t *testing.T) {
	m := instrumentstest.New(t)
	synctest.Test(t, func(t *testing.T) {
		script := scripted{readings: []reading{{0, errors.ErrUnsupported}}}
		var log lines
		monitor := monitorDisk(m.Registry, "/audit", DiskOptions{Logger: log.logger()}, script.measure)
		time.Sleep(time.Hour)
		monitor.Close()
		if script.checks != 1 {
			t.Errorf("%d checks, want 1", script.checks)
		}
	})
	m.Want(t, disk(0, 1))
}

func TestDiskCloseOftenAndAtOnce(t *testing.T) {
	for range 20 {
		monitor := MonitorDisk(nil, t.TempDir(), DiskOptions{})
		var closing sync.WaitGroup
		for range 4 {
			closing.Go(monitor.Close)
		}
		closing.Wait()
		monitor.Close()
	}
}

// TestRemovedDirectory takes the audit log's directory away and puts it back.
func TestRemovedDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "audit")
	m := instrumentstest.New(t)
	synctest.Test(t, func(t *testing.T) {
		var log lines
		monitor := MonitorDisk(m.Registry, dir, DiskOptions{Logger: log.logger()})
		defer monitor.Close()
		time.Sleep(DefaultInterval / 2) // between the checks
		expect := func(wantFailed float64, wantUsed bool) {
			t.Helper()
			m.Want(t, map[string]float64{"audit_failed_disk_monitoring": wantFailed})
			used := m.Collect(t)["audit_percentage_disk_space_used"]
			if got := used > 0 && used <= 100; got != wantUsed {
				t.Errorf("used %v, want a share %v", used, wantUsed)
			}
		}
		later := func() {
			time.Sleep(DefaultInterval)
			synctest.Wait()
		}
		expect(1, false)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		later()
		expect(1, true)
		if err := os.Remove(dir); err != nil {
			t.Fatal(err)
		}
		later()
		expect(2, true)
		later()
		expect(3, true)
	})
}

func TestPercentUsedErrors(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	if _, err := percentUsed(missing); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want that it does not exist", err)
	}
	if runtime.GOOS == "linux" {
		if got, err := percentUsed("/proc"); err == nil {
			t.Errorf("/proc: got %v, want an error", got)
		}
	}
}

func TestPercentUsedOfSizes(t *testing.T) {
	rows := []struct {
		name string
		size fileSystem
		want float64
	}{
		{"empty", fileSystem{1000, 1000, 1000}, 0},
		{"half", fileSystem{1000, 500, 500}, 50},
		{"full", fileSystem{1000, 0, 0}, 100},
		{"full but for the reserve", fileSystem{1000, 50, 0}, 100},
		{"with a reserve", fileSystem{1000, 550, 450}, 50},
	}
	for _, row := range rows {
		if got, ok := row.size.percentUsed(); got != row.want || !ok {
			t.Errorf("%s: got %v, %v, want %v", row.name, got, ok, row.want)
		}
	}
	if got, ok := (fileSystem{}).percentUsed(); ok {
		t.Errorf("no size: got %v, want none", got)
	}
}

// FuzzPercentUsed takes what a file system might say of itself, true or not.
func FuzzPercentUsed(f *testing.F) {
	f.Add(uint64(1000), uint64(500), uint64(400))
	f.Add(uint64(0), uint64(0), uint64(0))
	f.Add(uint64(1), uint64(math.MaxUint64), uint64(math.MaxUint64))
	f.Fuzz(func(t *testing.T, total, free, available uint64) {
		got, ok := fileSystem{total, free, available}.percentUsed()
		if got < 0 || got > 100 || math.IsNaN(got) || !ok && got != 0 {
			t.Errorf("got %v, %v", got, ok)
		}
	})
}
