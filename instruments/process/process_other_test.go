//go:build windows || js || wasip1 || darwin

package process

import (
	"errors"
	"testing"
)

func TestNothingIsObservedHere(t *testing.T) {
	stop, err := Observe(nil)
	if !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("got %v, want an error that is %v", err, errors.ErrUnsupported)
	}
	stop()
}
