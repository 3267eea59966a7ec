//go:build !unix

package fuzzbounds

import "time"

var start = time.Now()

// processorTime returns the time on the wall where the system does not tell
// processor time.
func processorTime() time.Duration { return time.Since(start) }
