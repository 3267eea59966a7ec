//go:build !race

package fuzzbounds

const (
	raceFactor   = 1
	memoryFactor = 1
)
