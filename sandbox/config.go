package sandbox

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"time"
)

// The cloud that the emulator plays, and the node that uses it.
const (
	Region        = "cn-hangzhou"
	Zone          = "cn-hangzhou-i"
	VSwitchID     = "vsw-sandbox"
	VSwitchCIDR   = "10.20.0.0/16"
	SecurityGroup = "sg-sandbox"
	NodeName      = "virtual-kubelet"
)

// Config is one sandbox. Ports are TCP and, but for the kubelet's, on 127.0.0.1.
type Config struct {
	Dir    string // holds everything that the sandbox writes
	BinDir string // holds eci-emulator and eci-vnode

	APIServerPort int
	EtcdPort      int // and the next one, for etcd's peers
	EmulatorPort  int
	KubeletPort   int
	NodeIP        string // where the API server reaches the kubelet port

	MetricsServerPort int // 0 runs no metrics-server

	Runtime string // what runs containers: auto, process or simulated

	Deploy       string   // the operator's manifest, whose account and rights eci-vnode gets
	Manifest     string   // applied at the end, empty for none
	VNodeArgs    []string // more arguments for eci-vnode
	EmulatorArgs []string // more arguments for eci-emulator

	// APIServerApart runs kube-apiserver in a process of its own, which may be
	// killed and comes back.
	APIServerApart bool

	Timeout time.Duration // for each thing that is waited for
}

// Default returns the sandbox that `make sandbox` starts.
func Default() Config {
	return Config{
		Dir:               ".sandbox",
		APIServerPort:     16443,
		EtcdPort:          12379,
		EmulatorPort:      18080,
		KubeletPort:       10250,
		MetricsServerPort: 14443,
		NodeIP:            primaryIPv4(),
		Runtime:           "auto",
		Deploy:            "deploy/eci-vnode.yaml",
		Manifest:          "examples/nginx.yaml",
		Timeout:           3 * time.Minute,
	}
}

// Complete makes paths absolute, so that a process of this sandbox can be told
// from others by its command line, and reports everything that is wrong.
func (c Config) Complete() (Config, error) {
	var errs []error
	for _, path := range []*string{&c.Dir, &c.BinDir} {
		absolute, err := filepath.Abs(*path)
		errs = append(errs, err)
		*path = absolute
	}
	for _, port := range c.ports() {
		if port.number < 1 || port.number > 65535 {
			errs = append(errs, fmt.Errorf("%s %d is not a port", port.flag, port.number))
		}
	}
	if ip := net.ParseIP(c.NodeIP); ip == nil || ip.To4() == nil {
		errs = append(errs, fmt.Errorf("--node-ip %q is not an IPv4 address", c.NodeIP))
	}
	if c.Timeout <= 0 {
		errs = append(errs, fmt.Errorf("--timeout %s is not positive", c.Timeout))
	}
	return c, errors.Join(errs...)
}

// primaryIPv4 is the address that the default route starts from, else the first
// one of an interface, else loopback.
func primaryIPv4() string {
	// No packet is sent: connecting a UDP socket only chooses a route, here to
	// an address that is reserved for documentation.
	if connection, err := net.Dial("udp4", "203.0.113.1:9"); err == nil {
		defer connection.Close()
		return connection.LocalAddr().(*net.UDPAddr).IP.String()
	}
	addresses, _ := net.InterfaceAddrs()
	for _, address := range addresses {
		if network, ok := address.(*net.IPNet); ok && network.IP.To4() != nil && network.IP.IsGlobalUnicast() {
			return network.IP.String()
		}
	}
	return "127.0.0.1"
}
