package main

import (
	"context"
	"errors"
)

// exitError carries the status that the program ends with.
type exitError struct {
	status int
	err    error
}

func (e *exitError) Error() string { return e.err.Error() }

func (e *exitError) Unwrap() error { return e.err }

// exitStatus is what the program tells its caller. To be stopped is no failure,
// unless the command says so.
func exitStatus(err error) int {
	var exit *exitError
	switch {
	case errors.As(err, &exit):
		return exit.status
	case err == nil, errors.Is(err, context.Canceled):
		return 0
	}
	return 1
}
