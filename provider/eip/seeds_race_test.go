//go:build race

package eip

// defaultSeeds is less under the race detector, which makes each many times
// slower: `make test` runs all of them without it as well.
const defaultSeeds = 100
