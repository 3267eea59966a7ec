//go:build race

package fuzzbounds

// The race detector makes code many times slower and its memory larger.
const (
	raceFactor   = 20
	memoryFactor = 2
)
