package sandbox

import (
	"errors"
	"fmt"
	"net"
	"strconv"
)

// port is one that the sandbox listens on.
type port struct {
	number int
	host   string // empty for all addresses
	owner  string
	flag   string // changes it
}

func (c Config) ports() []port {
	ports := []port{
		{c.APIServerPort, "127.0.0.1", "kube-apiserver", "--apiserver-port"},
		{c.EtcdPort, "127.0.0.1", "etcd", "--etcd-port"},
		{c.EtcdPort + 1, "127.0.0.1", "etcd's peers, one above etcd", "--etcd-port"},
		{c.EmulatorPort, "127.0.0.1", "eci-emulator", "--emulator-port"},
		{c.KubeletPort, "", "eci-vnode's kubelet API", "--kubelet-port"},
	}
	if c.MetricsServerPort != 0 {
		ports = append(ports, port{c.MetricsServerPort, "127.0.0.1", "metrics-server", "--metrics-server-port"})
	}
	return ports
}

// checkPorts reports every port that is taken, and the flag that changes it.
func checkPorts(config Config) error {
	var errs []error
	for _, port := range config.ports() {
		listener, err := net.Listen("tcp", net.JoinHostPort(port.host, strconv.Itoa(port.number)))
		if err != nil {
			errs = append(errs, fmt.Errorf("port %d for %s is not free (%w); choose another with %s",
				port.number, port.owner, errors.Unwrap(err), port.flag))
			continue
		}
		if err := listener.Close(); err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) > 0 {
		errs = append(errs, errors.New("with make, flags go into ARGS: make sandbox ARGS='--apiserver-port 26443'"))
	}
	return errors.Join(errs...)
}
