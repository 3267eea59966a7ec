//go:build unix

package main

import (
	"syscall"
	"time"
)

// processorTime is what this process has used until now; known is false where the
// system does not tell.
func processorTime() (used time.Duration, known bool) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0, false
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()), true
}
