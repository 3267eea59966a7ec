package connlimit

import "net/netip"

// pool is a set of connections.
type pool map[*Conn]struct{}

// oldestOfBusiestSource returns the connection that makes room for another: among
// those that may, one of the source that has the most, and of that source the
// oldest. It returns nil if none may.
func (p pool) oldestOfBusiestSource(may func(*Conn) bool) *Conn {
	type share struct {
		conns  int
		oldest *Conn
	}
	shares := map[netip.Prefix]share{}
	for c := range p {
		if !may(c) {
			continue
		}
		s := shares[c.source]
		s.conns++
		if s.oldest == nil || c.number < s.oldest.number {
			s.oldest = c
		}
		shares[c.source] = s
	}
	var busiest share
	for _, s := range shares {
		if s.conns > busiest.conns || s.conns == busiest.conns && s.oldest.number < busiest.oldest.number {
			busiest = s
		}
	}
	return busiest.oldest
}

// largest returns the connection that has received the most bytes, or nil.
func (p pool) largest() *Conn {
	var largest *Conn
	for c := range p {
		if largest == nil || c.received > largest.received || c.received == largest.received && c.number < largest.number {
			largest = c
		}
	}
	return largest
}

// SourceOf returns whom an address belongs to: an IPv4 address, or the network of
// 64 bits of an IPv6 address, of which a host can have all. It is the zero Prefix
// for what is no address with a port.
func SourceOf(address string) netip.Prefix {
	parsed, err := netip.ParseAddrPort(address)
	if err != nil {
		return netip.Prefix{}
	}
	ip := parsed.Addr().Unmap().WithZone("")
	bits := ip.BitLen()
	if ip.Is6() {
		bits = 64
	}
	source, _ := ip.Prefix(bits) // bits is never more than the address has
	return source
}
