//go:build linux || darwin || freebsd || dragonfly

package audit

import "syscall"

func statfs(dir string) (fileSystem, error) {
	var stat syscall.Statfs_t
	for {
		err := syscall.Statfs(dir, &stat)
		if err == syscall.EINTR { // file systems over the network may be interrupted
			continue
		}
		if err != nil {
			return fileSystem{}, err
		}
		return fileSystem{
			total:     uint64(stat.Blocks), // DragonFly: int64, as the next
			free:      uint64(stat.Bfree),
			available: uint64(max(0, int64(stat.Bavail))), // FreeBSD: below zero when the reserve is in use
		}, nil
	}
}
