package emulator

import (
	"errors"
	"fmt"
	"time"
)

// Delays are how long the steps of a group take. Zero is at once, but for the
// back-offs, which keep a crashing container from spinning.
type Delays struct {
	// Scheduling is from the create to the group having a machine.
	Scheduling time.Duration
	// ImagePull is for each image of a group that it has not pulled before.
	ImagePull time.Duration
	// Start is from the pulled image to the running process.
	Start time.Duration
	// Terminate is from the end of the last container to the group being gone.
	Terminate time.Duration
	// EIP is how long an EIP is Associating or Unassociating.
	EIP time.Duration
	// RestartBackOff is before the second restart of a container and the second
	// pull of a bad image; it doubles up to RestartBackOffMax.
	RestartBackOff    time.Duration
	RestartBackOffMax time.Duration
}

// The kubelet's own back-off of crashing containers and failing pulls.
const (
	defaultBackOff    = 10 * time.Second
	defaultBackOffMax = 5 * time.Minute
)

// NoDelays makes every step immediate: for tests and benchmarks.
func NoDelays() Delays {
	return Delays{RestartBackOff: defaultBackOff, RestartBackOffMax: defaultBackOffMax}
}

// FastDelays lets a person see the steps without waiting.
func FastDelays() Delays {
	return Delays{
		Scheduling: 100 * time.Millisecond, ImagePull: 100 * time.Millisecond, Start: 50 * time.Millisecond,
		Terminate: 100 * time.Millisecond, EIP: 200 * time.Millisecond, RestartBackOff: time.Second, RestartBackOffMax: 20 * time.Second,
	}
}

// RealisticDelays are those of a small cached image on a good day.
func RealisticDelays() Delays {
	return Delays{
		Scheduling: 2 * time.Second, ImagePull: 3 * time.Second, Start: 500 * time.Millisecond,
		Terminate: time.Second, EIP: 3 * time.Second, RestartBackOff: defaultBackOff, RestartBackOffMax: defaultBackOffMax,
	}
}

// ParseDelays turns none, fast or realistic into Delays.
func ParseDelays(name string) (Delays, error) {
	switch name {
	case "none":
		return NoDelays(), nil
	case "fast":
		return FastDelays(), nil
	case "realistic":
		return RealisticDelays(), nil
	}
	return Delays{}, fmt.Errorf("delays %q: want none, fast or realistic", name)
}

// Validate reports every wrong field.
func (d Delays) Validate() error {
	var errs []error
	for name, v := range map[string]time.Duration{
		"Scheduling": d.Scheduling, "ImagePull": d.ImagePull, "Start": d.Start, "Terminate": d.Terminate, "EIP": d.EIP,
	} {
		if v < 0 {
			errs = append(errs, fmt.Errorf("negative Delays.%s: %s", name, v))
		}
	}
	if d.RestartBackOff <= 0 {
		errs = append(errs, fmt.Errorf("Delays.RestartBackOff: %s is not positive", d.RestartBackOff))
	}
	if d.RestartBackOffMax < d.RestartBackOff {
		errs = append(errs, fmt.Errorf("Delays.RestartBackOffMax: %s is less than RestartBackOff", d.RestartBackOffMax))
	}
	return errors.Join(errs...)
}
