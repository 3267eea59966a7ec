//go:build !linux

package process

import (
	"errors"

	"github.com/eci-vnode/eci-vnode/eci/emulator"
)

// Runtime exists on Linux only.
type Runtime struct{ emulator.Runtime }

// New refuses: there are no namespaces here.
func New(Config) (*Runtime, error) {
	return nil, errors.New("containers are run as processes on Linux only")
}

// Close is never called.
func (*Runtime) Close() error { return nil }

// Reexec does nothing here.
func Reexec() {}

// Clean has nothing to remove here.
func Clean(string) error { return nil }
