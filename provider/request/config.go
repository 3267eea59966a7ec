package request

import (
	"net/netip"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/eci-vnode/eci-vnode/eci"
)

// Hardening says what becomes of a pod that asks for a restriction of its
// containers that ECI has no parameter for, such as capabilities.drop.
type Hardening string

const (
	// HardeningWarn makes the group without the restriction and reports a
	// warning. A pod of the "restricted" Pod Security level must ask for these
	// restrictions, so that refusing them would close the node to such
	// namespaces; every group has a virtual machine of its own around it.
	HardeningWarn Hardening = "warn"
	// HardeningRefuse refuses the pod.
	HardeningRefuse Hardening = "refuse"
)

// Documented limits that the metadata of the API does not enforce.
const (
	// defaultMaxEnvValue is the longest value of an environment variable. The
	// document says 256 characters; bytes are the careful reading. Source: SDK documentation of EnvironmentVar.Value. Refusing
	// names the variable; the cloud's answer to a longer one would not.
	defaultMaxEnvValue = 256
	// maxVSwitches is how many vSwitches one request may name.
	maxVSwitches = 10
)

// Config holds what all groups of a node have in common. The zero value of a
// field leaves the choice to ECI, unless it says otherwise.
type Config struct {
	// RegionID is the region, for example cn-hangzhou. Needed.
	RegionID string `json:"regionID"`
	ZoneID   string `json:"zoneID,omitempty"`
	// VSwitchIDs are tried by ECI in its own order; at most 10.
	VSwitchIDs []string `json:"vSwitchIDs,omitempty"`
	// ScheduleStrategy is how ECI chooses among them, VSwitchOrdered or
	// VSwitchRandom.
	ScheduleStrategy string `json:"scheduleStrategy,omitempty"`
	// SecurityGroupID may be several, comma separated.
	SecurityGroupID string `json:"securityGroupID,omitempty"`
	ResourceGroupID string `json:"resourceGroupID,omitempty"`

	// ClusterID tells the groups of two clusters in one account apart. Needed,
	// at most 128 characters, as NodeName.
	ClusterID string `json:"clusterID"`
	NodeName  string `json:"nodeName"`

	// ClusterDNS are the addresses of the cluster's DNS service. Without them a
	// pod with dnsPolicy ClusterFirst gets the resolver of the VPC.
	ClusterDNS []string `json:"clusterDNS,omitempty"`
	// ClusterDomain ends the names of Services.
	ClusterDomain string `json:"clusterDomain,omitempty"`

	// StatefulKinds are kinds of workloads, beside StatefulSet, whose pods come
	// back under the same name and so may keep their EIP.
	StatefulKinds []string `json:"statefulKinds,omitempty"`

	// Tags are put on every group beside its identity.
	Tags map[string]string `json:"tags,omitempty"`

	// MaxEnvValue is the longest value of an environment variable in bytes; 0
	// sends any length.
	MaxEnvValue int `json:"maxEnvValue,omitempty"`
	// HostPathAllowed says that the account may mount paths of the machine of a
	// group, and that pods may do so.
	HostPathAllowed bool `json:"hostPathAllowed,omitempty"`
	// BandwidthUnit is the unit of IngressBandwidth and EgressBandwidth in this
	// account, BandwidthBits or BandwidthBytes; "" refuses such limits.
	BandwidthUnit string `json:"bandwidthUnit,omitempty"`
	// Hardening is HardeningWarn or HardeningRefuse.
	Hardening Hardening `json:"hardening,omitempty"`

	// Permissions says which resources of the account pods may name.
	Permissions Permissions `json:"permissions,omitzero"`
	// Granted are the annotations that the profile of the cluster gives to the pod
	// that is translated: they need no permission.
	Granted map[string]string `json:"-"`
}

// DefaultConfig returns the settings that do not depend on an account.
func DefaultConfig() Config {
	return Config{ClusterDomain: "cluster.local", MaxEnvValue: defaultMaxEnvValue, Hardening: HardeningWarn}
}

// Validate reports everything that is wrong with c at once, with field paths.
func (c Config) Validate() error {
	var errs field.ErrorList
	for name, value := range map[string]string{"regionID": c.RegionID, "clusterID": c.ClusterID, "nodeName": c.NodeName} {
		if value == "" {
			errs = append(errs, field.Required(field.NewPath(name), ""))
		}
		if len(value) > maxTagValue {
			errs = append(errs, field.TooLong(field.NewPath(name), value, maxTagValue))
		}
	}
	if len(c.VSwitchIDs) > maxVSwitches {
		errs = append(errs, field.TooMany(field.NewPath("vSwitchIDs"), len(c.VSwitchIDs), maxVSwitches))
	}
	if s := c.ScheduleStrategy; s != "" && s != scheduleOrdered && s != scheduleRandom {
		errs = append(errs, field.NotSupported(field.NewPath("scheduleStrategy"), s, []string{scheduleOrdered, scheduleRandom}))
	}
	for i, address := range c.ClusterDNS {
		if _, err := netip.ParseAddr(address); err != nil {
			errs = append(errs, field.Invalid(field.NewPath("clusterDNS").Index(i), address, "not an IP address"))
		}
	}
	if c.MaxEnvValue < 0 {
		errs = append(errs, field.Invalid(field.NewPath("maxEnvValue"), c.MaxEnvValue, "must not be negative"))
	}
	if c.BandwidthUnit != "" && c.BandwidthUnit != BandwidthBits && c.BandwidthUnit != BandwidthBytes {
		errs = append(errs, field.NotSupported(field.NewPath("bandwidthUnit"), c.BandwidthUnit, []string{BandwidthBits, BandwidthBytes}))
	}
	if c.Hardening != HardeningWarn && c.Hardening != HardeningRefuse {
		errs = append(errs, field.NotSupported(field.NewPath("hardening"), c.Hardening, []Hardening{HardeningRefuse, HardeningWarn}))
	}
	errs = append(errs, validateTags(c.Tags, field.NewPath("tags"))...)
	errs = append(errs, c.Permissions.Validate(field.NewPath("permissions"))...)
	return errs.ToAggregate()
}

// Lengths of tags. Source: OpenAPI metadata.
const (
	maxTagKey   = 64
	maxTagValue = 128
)

func validateTags(tags map[string]string, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if free := eci.MaxTags - len(identityTable); len(tags) > free {
		errs = append(errs, field.TooMany(path, len(tags), free))
	}
	for key, value := range tags {
		if problem := tagProblem(key, value); problem != "" {
			errs = append(errs, field.Invalid(path.Key(key), value, problem))
		}
	}
	return errs
}

// tagProblem says why ECI would refuse the tag, or "".
func tagProblem(key, value string) string {
	lower := strings.ToLower(key)
	switch {
	case key == "" || len(key) > maxTagKey:
		return "a tag key has 1 to 64 characters"
	case len(value) > maxTagValue:
		return "a tag value has at most 128 characters"
	case strings.HasPrefix(lower, "acs:") || strings.HasPrefix(lower, "aliyun"):
		return "a tag key must not start with acs: or aliyun"
	case strings.Contains(lower, "http://") || strings.Contains(lower, "https://"):
		return "a tag key must not contain http:// or https://"
	case strings.HasPrefix(lower, ownPrefix):
		return "tag keys that start with " + ownPrefix + " carry the identity of the pod"
	}
	return ""
}
