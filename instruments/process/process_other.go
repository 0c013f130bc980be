//go:build windows || js || wasip1 || darwin

package process

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/telltale-agent/telltale/instruments"
)

// Observe returns an error that is [errors.ErrUnsupported], and a function that
// does nothing: there is no /proc here, and the process_* metrics are absent.
func Observe(*instruments.Registry) (stop func(), err error) {
	return func() {}, fmt.Errorf("read process metrics on %s: %w", runtime.GOOS, errors.ErrUnsupported)
}
