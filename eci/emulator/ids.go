package emulator

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync/atomic"
)

// idSource makes ids that look random, never repeat, and come again in the same
// order from the same seed.
type idSource struct {
	seed uint64
	n    atomic.Uint64
}

func newIDSource(seed uint64) *idSource {
	if seed == 0 {
		seed = rand.Uint64()
	}
	return &idSource{seed: seed}
}

// resource makes an id such as eci-2zegym1qhbmdfr1s4f0d.
func (s *idSource) resource(prefix string) string {
	a, b := s.pair()
	text := strconv.FormatUint(a, 36) + strconv.FormatUint(b, 36)
	text = strings.Repeat("0", max(0, 20-len(text))) + text
	return prefix + "-" + text[:20]
}

// hex makes 32 hexadecimal digits, as in the id of a container.
func (s *idSource) hex() string {
	a, b := s.pair()
	return fmt.Sprintf("%016x%016x", a, b)
}

// uuid makes a version 4 UUID in lower case.
func (s *idSource) uuid() string {
	h := []byte(s.hex())
	h[12], h[16] = '4', "89ab"[h[16]%4]
	return fmt.Sprintf("%s-%s-%s-%s-%s", h[:8], h[8:12], h[12:16], h[16:20], h[20:])
}

func (s *idSource) request() string { return strings.ToUpper(s.uuid()) }

func (s *idSource) pair() (uint64, uint64) {
	n := s.n.Add(1)
	return mix(s.seed + 2*n), mix(s.seed + 2*n + 1)
}

// mix is the finaliser of SplitMix64: one to one, so that counters stay unique.
func mix(x uint64) uint64 {
	x *= 0x9e3779b97f4a7c15
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}
