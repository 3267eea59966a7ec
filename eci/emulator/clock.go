package emulator

import "time"

// Clock is the time of the emulated cloud: the lifecycle, the retention, the
// rates and the injected latencies run on it.
type Clock interface {
	Now() time.Time
	// AfterFunc runs f once, after d, on a goroutine of the clock.
	AfterFunc(d time.Duration, f func()) Timer
}

// Timer is one pending AfterFunc.
type Timer interface {
	// Stop says whether it kept f from running.
	Stop() bool
}

// wallClock is the clock of the machine.
type wallClock struct{}

func (wallClock) Now() time.Time { return time.Now() }

func (wallClock) AfterFunc(d time.Duration, f func()) Timer { return time.AfterFunc(d, f) }
