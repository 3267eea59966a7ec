package process

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// pauseFlags are the namespaces that the containers of a group share, and the
// mounts that they all bind.
const pauseFlags = unix.CLONE_NEWNET | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWNS

// pauseOrders make the namespaces those of a group.
type pauseOrders struct {
	Hostname string
	// Address has the length of the subnet; an invalid one is no network.
	Address netip.Prefix
	Gateway netip.Addr
	Tmpfs   []tmpfs
	Sysctls map[string]string
}

// tmpfs is a file system in memory; Size in bytes, 0 for half of the machine's.
type tmpfs struct {
	Path string
	Size int64
}

// pauseMain prepares the namespaces and then holds them until it is killed.
func pauseMain(orders pauseOrders, answer *os.File) error {
	if err := errors.Join(holdMounts(orders), holdNetwork(orders)); err != nil {
		return err
	}
	if err := unix.Sethostname([]byte(orders.Hostname)); err != nil {
		return fmt.Errorf("set the host name: %w", err)
	}
	for name, value := range orders.Sysctls {
		path := filepath.Join("/proc/sys", strings.ReplaceAll(filepath.Clean("/"+name), ".", "/"))
		if err := os.WriteFile(path, []byte(value), 0); err != nil {
			return fmt.Errorf("sysctl %s: %w", name, err)
		}
	}
	if err := answer.Close(); err != nil {
		return err
	}
	for {
		_ = unix.Pause() // returns for signals only
	}
}

func holdMounts(orders pauseOrders) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make the mounts private: %w", err)
	}
	for _, t := range orders.Tmpfs {
		options := "mode=1777"
		if t.Size > 0 {
			options += fmt.Sprintf(",size=%d", t.Size)
		}
		if err := unix.Mount("tmpfs", t.Path, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, options); err != nil {
			return fmt.Errorf("mount memory at %s: %w", t.Path, err)
		}
	}
	return nil
}

func holdNetwork(orders pauseOrders) error {
	if err := setUp("lo"); err != nil || !orders.Address.IsValid() {
		return err
	}
	link, err := netlink.LinkByName("eth0")
	if err != nil {
		return fmt.Errorf("find eth0: %w", err)
	}
	address := ipNet(orders.Address.Addr(), orders.Address.Bits())
	if err := netlink.AddrAdd(link, &netlink.Addr{IPNet: address}); err != nil {
		return fmt.Errorf("give eth0 the address %s: %w", orders.Address, err)
	}
	if err := setUp("eth0"); err != nil {
		return err
	}
	route := &netlink.Route{LinkIndex: link.Attrs().Index, Gw: net.IP(orders.Gateway.AsSlice())}
	if err := netlink.RouteAdd(route); err != nil {
		return fmt.Errorf("route by %s: %w", orders.Gateway, err)
	}
	// As container runtimes have it: ports below 1024 are for every user.
	return os.WriteFile("/proc/sys/net/ipv4/ip_unprivileged_port_start", []byte("0"), 0)
}

func setUp(name string) error {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return fmt.Errorf("find %s: %w", name, err)
	}
	if err := netlink.LinkSetUp(link); err != nil {
		return fmt.Errorf("bring %s up: %w", name, err)
	}
	return nil
}
