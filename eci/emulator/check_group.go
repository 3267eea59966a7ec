package emulator

import (
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"strings"

	"github.com/eci-vnode/eci-vnode/eci"
)

// Counts of the parts of a group. Source: product page "Limits" for containers
// and volumes, API metadata for the rest (see the package's Inferred list).
const (
	maxContainers     = 20
	maxInitContainers = 40
	maxVolumes        = 20
	maxVSwitches      = 10
	maxCredentials    = 10
	maxHostAliases    = 100
	maxHostnames      = 50
	maxDNSEntries     = 20
	maxNTPServers     = 20
)

// indexed names an entry of a list as the wire does, from 1.
func indexed(list string, i int) string { return list + "." + strconv.Itoa(i+1) }

// checkCreate checks what needs no look at the region's state.
func (e *Emulator) checkCreate(r *eci.CreateContainerGroupRequest) *eci.Error {
	c := &checker{}
	c.name("ContainerGroupName", r.ContainerGroupName, 2, 128)
	c.token(r.ClientToken)
	c.tags(r.Tags, eci.MaxTags)
	checkGroupEnums(c, r)
	checkGroupNumbers(c, r)
	checkGroupNetwork(c, r)
	checkSysctls(c, r)
	c.registry(r.ImageRegistryCredentials)
	c.volumes(r.Volumes, e.cfg.AllowListed)
	c.containers(r.InitContainers, r.Containers, r.Volumes, e.cfg.AllowListed)
	return c.err
}

func checkGroupEnums(c *checker, r *eci.CreateContainerGroupRequest) {
	c.oneOf("RestartPolicy", r.RestartPolicy, "Always", "Never", "OnFailure")
	c.oneOf("ScheduleStrategy", r.ScheduleStrategy, "VSwitchOrdered", "VSwitchRandom")
	c.oneOf("DnsPolicy", r.DNSPolicy, "None", "Default")
	c.oneOf("OsType", r.OSType, "Linux", "Windows")
	c.oneOf("CpuArchitecture", r.CPUArchitecture, "AMD64", "ARM64")
	c.oneOf("SpotStrategy", r.SpotStrategy, "NoSpot", "SpotWithPriceLimit", "SpotAsPriceGo")
	c.oneOf("ImageAccelerateMode", r.ImageAccelerateMode, "nydus", "dadi", "p2p", "imc")
	c.oneOf("EipISP", r.EIPISP, "BGP", "BGP_PRO")
	c.oneOf("FixedIp", r.FixedIP, "true")
	for i, category := range r.ComputeCategory {
		c.oneOf(indexed("ComputeCategory", i), category, "economy", "general")
	}
	c.that(!strings.HasPrefix(r.CorePattern, "|"), "CorePattern", "it starts with a pipe")
}

func checkGroupNumbers(c *checker, r *eci.CreateContainerGroupRequest) {
	c.that(r.CPU >= 0, "Cpu", "it is negative")
	c.that(r.Memory >= 0, "Memory", "it is negative")
	c.between("EphemeralStorage", int64(r.EphemeralStorage), 0, 5000)
	c.between("CpuOptionsCore", int64(r.CPUOptionsCore), 0, 1000)
	c.between("Ipv6AddressCount", int64(r.IPv6AddressCount), 0, 1)
	c.optional("MaxPendingMinute", int64(r.MaxPendingMinute), 10, 1440)
	c.between("IngressBandwidth", r.IngressBandwidth, 0, math.MaxInt64)
	c.between("EgressBandwidth", r.EgressBandwidth, 0, math.MaxInt64)
	c.between("TerminationGracePeriodSeconds", value(r.TerminationGracePeriodSeconds), 0, math.MaxInt32)
	if r.ActiveDeadlineSeconds != nil {
		c.between("ActiveDeadlineSeconds", *r.ActiveDeadlineSeconds, 1, math.MaxInt32)
	}
	c.that(r.SpotStrategy != "SpotWithPriceLimit" || r.SpotPriceLimit > 0, "SpotPriceLimit", "SpotWithPriceLimit needs one")
	c.that(r.EIPBandwidth == 0 || value(r.AutoCreateEIP), "EipBandwidth", "it needs AutoCreateEip")
}

func checkGroupNetwork(c *checker, r *eci.CreateContainerGroupRequest) {
	c.atMost("VSwitchId", strings.Count(r.VSwitchID, ",")+1, maxVSwitches)
	if r.PrivateIPAddress != "" {
		ip, err := netip.ParseAddr(r.PrivateIPAddress)
		c.that(err == nil && ip.Is4(), "PrivateIpAddress", "it is no IPv4 address")
	}
	c.atMost("NtpServer", len(r.NTPServers), maxNTPServers)
	c.dns(r.DNSConfig)
	c.atMost("HostAliase", len(r.HostAliases), maxHostAliases)
	for i, alias := range r.HostAliases {
		param := indexed("HostAliase", i)
		_, err := netip.ParseAddr(alias.IP)
		c.that(err == nil, param+".Ip", "%q is no address", alias.IP)
		c.atMost(param+".Hostname", len(alias.Hostnames), maxHostnames)
	}
}

func (c *checker) dns(d eci.DNSConfig) {
	c.atMost("DnsConfig.NameServer", len(d.NameServers), maxDNSEntries)
	c.atMost("DnsConfig.Search", len(d.Searches), maxDNSEntries)
	c.atMost("DnsConfig.Option", len(d.Options), maxDNSEntries)
	for i, option := range d.Options {
		c.required(indexed("DnsConfig.Option", i)+".Name", option.Name)
	}
}

func (c *checker) registry(list []eci.ImageRegistryCredential) {
	c.atMost("ImageRegistryCredential", len(list), maxCredentials)
	for i, cred := range list {
		param := indexed("ImageRegistryCredential", i)
		c.required(param+".Server", cred.Server)
		c.that(!strings.Contains(cred.Server, "://"), param+".Server", "it has a scheme")
		c.required(param+".UserName", cred.UserName)
		c.required(param+".Password", cred.Password.Reveal())
	}
}

// checkSysctls knows the safe names; the unsafe ones go by their prefixes.
func checkSysctls(c *checker, r *eci.CreateContainerGroupRequest) {
	for i, s := range r.SecurityContext.Sysctls {
		c.oneOf(indexed("SecurityContext.Sysctl", i)+".Name", s.Name, "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range",
			"net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range", "net.ipv4.ip_unprivileged_port_start")
	}
	for i, s := range r.HostSecurityContext.Sysctls {
		known := false
		for _, prefix := range []string{"kernel.shm", "kernel.msg", "kernel.sem", "fs.mqueue.", "net."} {
			known = known || strings.HasPrefix(s.Name, prefix)
		}
		c.that(known, indexed("HostSecurityContext.Sysctl", i)+".Name", "%q cannot be set", s.Name)
	}
}

// sizeError is the refusal of a size.
func sizeError(format string, args ...any) *eci.Error {
	err := invalid("Cpu, Memory", format, args...)
	err.HTTPStatus, err.Code = http.StatusBadRequest, eci.CodeInvalidCPUMemory
	return err
}
