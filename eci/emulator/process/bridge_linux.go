package process

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"

	"github.com/vishvananda/netlink"
)

// bridge is the network of one vSwitch on this machine.
type bridge struct {
	subnet  netip.Prefix
	gateway netip.Addr
	link    *netlink.Bridge
}

// aliasPrefix marks our bridges; the directory of the runtime follows.
const aliasPrefix = "eci-emulator "

// makeBridge makes the bridge of a subnet, in the place of one that a killed
// runtime left.
func makeBridge(subnet netip.Prefix, dir string) (*bridge, error) {
	name := "eci" + digest(subnet.String(), 8)
	if err := removeLeftBridge(name, dir); err != nil {
		return nil, err
	}
	if err := checkFree(subnet); err != nil {
		return nil, err
	}
	b := &bridge{subnet: subnet.Masked(), gateway: gatewayOf(subnet)}
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.HardwareAddr = name, hardwareAddress(b.gateway)
	b.link = &netlink.Bridge{LinkAttrs: attrs}
	if err := netlink.LinkAdd(b.link); err != nil {
		return nil, fmt.Errorf("add the interface %s: %w", name, err)
	}
	if err := b.configure(dir); err != nil {
		return nil, errors.Join(err, b.remove())
	}
	return b, nil
}

func (b *bridge) configure(dir string) error {
	if err := netlink.LinkSetAlias(b.link, aliasPrefix+dir); err != nil {
		return fmt.Errorf("mark the interface: %w", err)
	}
	if err := netlink.AddrAdd(b.link, &netlink.Addr{IPNet: ipNet(b.gateway, b.subnet.Bits())}); err != nil {
		return fmt.Errorf("give the bridge the address %s: %w", b.gateway, err)
	}
	return netlink.LinkSetUp(b.link)
}

func (b *bridge) remove() error {
	err := netlink.LinkDel(b.link)
	if isGone(err) {
		return nil
	}
	return err
}

// removeLeftBridge removes a bridge of the name, unless the runtime that made
// it lives.
func removeLeftBridge(name, dir string) error {
	link, err := netlink.LinkByName(name)
	if isGone(err) {
		return nil
	}
	if err != nil {
		return err
	}
	owner, ours := strings.CutPrefix(link.Attrs().Alias, aliasPrefix)
	if !ours {
		return fmt.Errorf("the interface %s exists and is not ours", name)
	}
	if owner != dir {
		lock, err := takeDir(owner)
		if err != nil {
			return fmt.Errorf("another emulator has the network: %w", err)
		}
		defer lock.Close()
	}
	return netlink.LinkDel(link)
}

// checkFree refuses a subnet that this machine is in or has a route into: a
// bridge would take its traffic.
func checkFree(subnet netip.Prefix) error {
	routes, err := netlink.RouteList(nil, netlink.FAMILY_V4)
	if err != nil {
		return fmt.Errorf("list the routes: %w", err)
	}
	for _, route := range routes {
		if route.Dst == nil {
			continue
		}
		address, _ := netip.AddrFromSlice(route.Dst.IP.To4())
		bits, _ := route.Dst.Mask.Size()
		if other := netip.PrefixFrom(address, bits); bits > 0 && subnet.Overlaps(other) {
			return fmt.Errorf("this machine has a route to %s, which is in it or around it; choose another --vswitch", other)
		}
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return err
	}
	for _, address := range addresses {
		if ip, err := netip.ParsePrefix(address.String()); err == nil && subnet.Contains(ip.Addr()) {
			return fmt.Errorf("this machine has the address %s; choose another --vswitch", ip.Addr())
		}
	}
	return nil
}

// gatewayOf is the cloud's gateway: the last address but two. It never gives
// the last three to groups.
func gatewayOf(subnet netip.Prefix) netip.Addr {
	first := subnet.Masked().Addr().As4()
	last := uint32(first[0])<<24 | uint32(first[1])<<16 | uint32(first[2])<<8 | uint32(first[3])
	last |= 1<<(32-subnet.Bits()) - 1
	last -= 2
	return netip.AddrFrom4([4]byte{byte(last >> 24), byte(last >> 16), byte(last >> 8), byte(last)})
}

// hardwareAddress follows from the IP address, so that what others remember of
// an address holds for the next group that gets it.
func hardwareAddress(ip netip.Addr) net.HardwareAddr {
	four := ip.As4()
	return net.HardwareAddr{0x02, 0xec, four[0], four[1], four[2], four[3]}
}

func ipNet(ip netip.Addr, bits int) *net.IPNet {
	return &net.IPNet{IP: ip.AsSlice(), Mask: net.CIDRMask(bits, 32)}
}

// digest shortens a text to so many hexadecimal digits.
func digest(text string, digits int) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])[:digits]
}

func isGone(err error) bool {
	var absent netlink.LinkNotFoundError
	return errors.As(err, &absent) || errors.Is(err, syscall.ENODEV) || errors.Is(err, os.ErrNotExist)
}

// plug joins the network namespace of a process to the bridge: its end is eth0,
// still without address. It returns what removes it.
func (b *bridge) plug(groupID string, address netip.Addr, pid int) (unplug func(), err error) {
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.MasterIndex = "veci"+digest(groupID, 10), b.link.Attrs().Index
	veth := &netlink.Veth{
		LinkAttrs: attrs, PeerName: "eth0",
		PeerHardwareAddr: hardwareAddress(address), PeerNamespace: netlink.NsPid(pid),
	}
	if err := netlink.LinkAdd(veth); err != nil {
		return nil, fmt.Errorf("add the interface of %s: %w", address, err)
	}
	unplug = func() { _ = netlink.LinkDel(veth) } // it may have ended with its namespace
	if err := netlink.LinkSetUp(veth); err != nil {
		unplug()
		return nil, fmt.Errorf("bring the interface of %s up: %w", address, err)
	}
	return unplug, nil
}
