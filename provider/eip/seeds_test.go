//go:build !race

package eip

// defaultSeeds is how many campaigns a test runs.
const defaultSeeds = 2000
