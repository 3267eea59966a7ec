package emulator

import (
	"encoding/binary"
	"net/netip"
)

// subnet hands out the addresses of a vSwitch: one by one, coming round to the
// returned ones last, as the cloud does.
type subnet struct {
	VSwitch
	first, last uint32
	next        uint32
	used        map[uint32]bool
}

// The cloud keeps the network address and the last three of each vSwitch.
const (
	reservedLow  = 1
	reservedHigh = 3
)

// newSubnet wants a VSwitch that Config.Validate has passed.
func newSubnet(v VSwitch) *subnet {
	prefix := netip.MustParsePrefix(v.CIDR).Masked()
	base := binary.BigEndian.Uint32(prefix.Addr().AsSlice())
	size := uint32(1) << (32 - prefix.Bits())
	s := &subnet{VSwitch: v, first: base + reservedLow, last: base + size - 1 - reservedHigh, used: map[uint32]bool{}}
	s.next = s.first
	return s
}

func (s *subnet) isFull() bool { return len(s.used) > int(s.last-s.first) }

// take returns a free address; the subnet must not be full.
func (s *subnet) take() netip.Addr {
	for s.used[s.next] {
		s.step()
	}
	n := s.next
	s.step()
	s.used[n] = true
	return address(n)
}

func (s *subnet) step() {
	if s.next++; s.next > s.last {
		s.next = s.first
	}
}

// takeThis says whether the wanted address was free.
func (s *subnet) takeThis(a netip.Addr) bool {
	n := binary.BigEndian.Uint32(a.AsSlice())
	if s.used[n] {
		return false
	}
	s.used[n] = true
	return true
}

// holds says whether the cloud could give this address.
func (s *subnet) holds(a netip.Addr) bool {
	if !a.Is4() {
		return false
	}
	n := binary.BigEndian.Uint32(a.AsSlice())
	return n >= s.first && n <= s.last
}

func (s *subnet) release(a netip.Addr) {
	if a.IsValid() {
		delete(s.used, binary.BigEndian.Uint32(a.AsSlice()))
	}
}

func address(n uint32) netip.Addr {
	var raw [4]byte
	binary.BigEndian.PutUint32(raw[:], n)
	return netip.AddrFrom4(raw)
}
