package main

import (
	"fmt"
	"math/rand/v2"

	"github.com/eci-vnode/eci-vnode/eci/emulator"
)

// injectFaults makes that share of all calls go wrong, in four ways, from now on.
func injectFaults(faults *emulator.Faults, rate float64) error {
	if !(rate >= 0 && rate <= 1) {
		return fmt.Errorf("--fault-rate %v: must be from 0 to 1", rate)
	}
	if rate == 0 {
		return nil
	}
	kinds := []emulator.Fault{
		{Error: emulator.Throttled()}, {Error: emulator.Unavailable()}, {DropRequest: true}, {DropAnswer: true},
	}
	share := rate / float64(len(kinds))
	for _, fault := range kinds {
		fault.When = func(string, map[string]string) bool { return rand.Float64() < share }
		faults.Inject(fault)
	}
	return nil
}
