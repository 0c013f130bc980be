//go:build !linux && !darwin && !freebsd && !dragonfly && !windows

package audit

import "errors"

func statfs(string) (fileSystem, error) { return fileSystem{}, errors.ErrUnsupported }
