package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// where says on what machine and when: without it no figure means anything.
func (b *bench) where() string {
	return fmt.Sprintf("%s, %d cores, %s/%s, %s. Begun %s, took %s. Load of the machine before: %s.",
		processor(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(),
		b.began.UTC().Format("2006-01-02 15:04 UTC"), time.Since(b.began).Round(time.Second), b.load)
}

func processor() string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown processor"
	}
	for line := range strings.Lines(string(info)) {
		if name, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown processor"
}

// loadOfMachine is how many wanted to run on it, over the last 1, 5 and 15 minutes.
func loadOfMachine() string {
	text, err := os.ReadFile("/proc/loadavg")
	fields := strings.Fields(string(text))
	if err != nil || len(fields) < 3 {
		return "unknown"
	}
	return strings.Join(fields[:3], " ")
}
