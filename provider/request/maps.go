package request

import (
	"cmp"
	"maps"
	"slices"
)

// sortedKeys gives a map the order that makes requests and messages the same
// each time.
func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
