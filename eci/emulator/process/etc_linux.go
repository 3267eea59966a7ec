package process

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
)

// etcFiles are the files of /etc that belong to the group and not to an image.
func etcFiles() []string { return []string{"hosts", "hostname", "resolv.conf"} }

func (g *group) writeEtc() error {
	if err := os.MkdirAll(g.path("etc"), 0o711); err != nil {
		return err
	}
	write := func(name, content string) error { return os.WriteFile(g.path("etc", name), []byte(content), 0o644) }
	return errors.Join(write("hosts", g.hosts()), write("hostname", g.hostname()+"\n"), write("resolv.conf", g.resolver()))
}

// hosts is /etc/hosts as the kubelet writes it.
func (g *group) hosts() string {
	var out strings.Builder
	out.WriteString("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n")
	fmt.Fprintf(&out, "%s\t%s\n", g.address, g.hostname())
	for _, alias := range g.request.HostAliases {
		fmt.Fprintf(&out, "%s\t%s\n", alias.IP, strings.Join(alias.Hostnames, "\t"))
	}
	return out.String()
}

// resolver is /etc/resolv.conf: what the request says, or this machine's
// without name servers on the loopback interface, which is another one there.
func (g *group) resolver() string {
	config := g.request.DNSConfig
	var out strings.Builder
	if g.request.DNSPolicy != "None" {
		out.WriteString(machineResolver())
	}
	for _, server := range config.NameServers {
		fmt.Fprintf(&out, "nameserver %s\n", server)
	}
	if len(config.Searches) > 0 {
		fmt.Fprintf(&out, "search %s\n", strings.Join(config.Searches, " "))
	}
	for _, option := range config.Options {
		fmt.Fprintf(&out, "options %s\n", strings.TrimSuffix(option.Name+":"+option.Value, ":"))
	}
	return out.String()
}

func machineResolver() string {
	content, err := os.ReadFile("/etc/resolv.conf")
	if err != nil {
		return "" // a machine without one resolves nothing either
	}
	var out strings.Builder
	for line := range strings.Lines(string(content)) {
		fields := strings.Fields(line)
		if len(fields) == 2 && fields[0] == "nameserver" {
			if ip, err := netip.ParseAddr(fields[1]); err == nil && ip.IsLoopback() {
				continue
			}
		}
		out.WriteString(line)
	}
	return out.String()
}
