package request

import (
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/eci-vnode/eci-vnode/eci"
)

const (
	// maxHostName is the length of a Linux host name in characters, at which
	// the kubelet cuts the name of a pod.
	maxHostName = 63
	// maxNameServers is how many a resolver asks; maxSearches is from the OpenAPI
	// metadata.
	maxNameServers = 3
	maxSearches    = 19
	// clusterNdots is the ndots option of a pod that asks the cluster's DNS.
	clusterNdots = "5"
	// Most host aliases, and most names of one. Source: OpenAPI metadata.
	maxHostAliases   = 100
	maxHostnamesEach = 50
)

// network fills names and resolver.
func (t *translator) network(spec *field.Path) {
	t.req.HostName = hostName(t.pod)
	for _, alias := range t.pod.Spec.HostAliases {
		t.putHost(alias.IP, alias.Hostnames)
	}
	if len(t.pod.Spec.HostAliases) > 0 {
		t.checkHosts(spec.Child("hostAliases"))
	}
	t.resolver(spec)
}

// checkHosts counts the host aliases of the pod and of its annotation together.
func (t *translator) checkHosts(path *field.Path) {
	t.checkCount(path, len(t.req.HostAliases), maxHostAliases)
	for _, alias := range t.req.HostAliases {
		if n := len(alias.Hostnames); n > maxHostnamesEach {
			t.invalid(path, alias.IP, "it has "+strconv.Itoa(n)+" names; ECI takes "+strconv.Itoa(maxHostnamesEach))
		}
	}
}

// hostName is what the kubelet gives a pod.
func hostName(pod *corev1.Pod) string {
	name := pod.Spec.Hostname
	if name == "" {
		name = pod.Name
	}
	if override := pod.Spec.HostnameOverride; override != nil && *override != "" {
		name = *override
	}
	return strings.TrimRight(name[:min(len(name), maxHostName)], "-.")
}

// putHost adds names to an address; ECI takes an address once.
func (t *translator) putHost(ip string, names []string) {
	for i := range t.req.HostAliases {
		if t.req.HostAliases[i].IP == ip {
			t.req.HostAliases[i].Hostnames = append(t.req.HostAliases[i].Hostnames, names...)
			return
		}
	}
	t.req.HostAliases = append(t.req.HostAliases, eci.HostAlias{IP: ip, Hostnames: append([]string(nil), names...)})
}

// resolver turns the DNS policies of Kubernetes into the two of ECI: None, with
// a config, and Default. With Default ECI reads no config, so that a pod that
// adds to the resolver of its network is refused.
func (t *translator) resolver(spec *field.Path) {
	if t.dns != nil {
		t.req.DNSPolicy, t.req.DNSConfig = string(corev1.DNSNone), *t.dns
		return
	}
	added := t.pod.Spec.DNSConfig
	var base eci.DNSConfig
	switch t.pod.Spec.DNSPolicy {
	case corev1.DNSNone:
	case corev1.DNSDefault:
		t.defaultResolver(spec)
		return
	default:
		if len(t.cfg.ClusterDNS) == 0 {
			t.warn(ReasonClusterDNSMissing, spec.Child("dnsPolicy"), "the node knows no cluster DNS: the resolver of the VPC is used")
			t.defaultResolver(spec)
			return
		}
		base = t.clusterResolver()
	}
	t.req.DNSPolicy = string(corev1.DNSNone)
	t.req.DNSConfig = mergeDNS(base, added)
	t.checkResolver(t.req.DNSConfig, spec.Child("dnsConfig"))
}

func (t *translator) defaultResolver(spec *field.Path) {
	t.req.DNSPolicy = string(corev1.DNSDefault)
	if added := t.pod.Spec.DNSConfig; added != nil && len(added.Nameservers)+len(added.Searches)+len(added.Options) > 0 {
		t.refuse(spec.Child("dnsConfig"), "ECI cannot add to the resolver of the VPC: use dnsPolicy None with all settings")
	}
}

// clusterResolver is what the kubelet gives a pod with ClusterFirst.
func (t *translator) clusterResolver() eci.DNSConfig {
	config := eci.DNSConfig{
		NameServers: append([]string(nil), t.cfg.ClusterDNS...),
		Options:     []eci.NameValue{{Name: "ndots", Value: clusterNdots}},
	}
	if domain := t.cfg.ClusterDomain; domain != "" {
		config.Searches = []string{t.pod.Namespace + ".svc." + domain, "svc." + domain, domain}
	}
	return config
}

// mergeDNS adds the pod's own settings: what is there already is left out, an
// option of the same name replaced.
func mergeDNS(base eci.DNSConfig, added *corev1.PodDNSConfig) eci.DNSConfig {
	if added == nil {
		return base
	}
	base.NameServers = unique(append(base.NameServers, added.Nameservers...))
	base.Searches = unique(append(base.Searches, added.Searches...))
	for _, option := range added.Options {
		value := ""
		if option.Value != nil {
			value = *option.Value
		}
		base.Options = putOption(base.Options, eci.NameValue{Name: option.Name, Value: value})
	}
	return base
}

func putOption(options []eci.NameValue, option eci.NameValue) []eci.NameValue {
	for i := range options {
		if options[i].Name == option.Name {
			options[i] = option
			return options
		}
	}
	return append(options, option)
}

func unique(texts []string) []string {
	var all []string
	seen := map[string]bool{}
	for _, text := range texts {
		if !seen[text] {
			seen[text] = true
			all = append(all, text)
		}
	}
	return all
}

// checkResolver refuses what a resolver would leave out.
func (t *translator) checkResolver(config eci.DNSConfig, path *field.Path) {
	if n := len(config.NameServers); n > maxNameServers {
		t.refusals = append(t.refusals, field.TooMany(path.Child("nameservers"), n, maxNameServers))
	}
	if n := len(config.Searches); n > maxSearches {
		t.refusals = append(t.refusals, field.TooMany(path.Child("searches"), n, maxSearches))
	}
	t.checkCount(path.Child("options"), len(config.Options), maxSearches)
	if len(config.NameServers) == 0 {
		t.refuse(field.NewPath("spec", "dnsPolicy"), "None needs dnsConfig.nameservers")
	}
}
