package request

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Resource is a kind of things of the account that a pod can name.
type Resource string

// The resources.
const (
	RAMRoles          Resource = "ramRoles"
	Disks             Resource = "disks"
	DisksDeleted      Resource = "disksDeleted"
	EIPs              Resource = "eips"
	EIPPools          Resource = "eipPools"
	BandwidthPackages Resource = "bandwidthPackages"
	KeptAddresses     Resource = "keptAddresses"
	VSwitches         Resource = "vSwitches"
	SecurityGroups    Resource = "securityGroups"
	PodNetworks       Resource = "podNetworkings"
	PrivateAddresses  Resource = "privateAddresses"
	ResourceGroups    Resource = "resourceGroups"
	Tags              Resource = "tags"
	ImageCaches       Resource = "imageCaches"
	Registries        Resource = "registries"
	DataCacheBuckets  Resource = "dataCacheBuckets"
	FileSystems       Resource = "fileSystems"
	Buckets           Resource = "buckets"
	KMSKeys           Resource = "kmsKeys"
	LogProjects       Resource = "logProjects"
)

// ResourceRule is the row of one resource.
type ResourceRule struct {
	Resource Resource
	// Open resources may be named by every pod unless the settings say otherwise.
	Open bool
	// What is one of the resource, as messages name it.
	What string
	// Named says where a pod names it.
	Named string
	// Reach says what a pod could do with one that it should not have.
	Reach string
}

// Resources returns the rows of all resources, those that need permission first.
func Resources() []ResourceRule {
	return []ResourceRule{
		{RAMRoles, false, "RAM role", "`k8s.aliyun.com/eci-ram-role-name`, `acr-service-arns`, `acr-user-arns`; `ramRole`, and a role in `otherOpts`, of an inline OSS volume", "call the cloud with the rights of the role"},
		{Disks, false, "disk", "`volumeId` of an inline disk volume", "read and change the data of any disk of the account"},
		{DisksDeleted, false, "disk", "`deleteWithInstance` beside `volumeId` of an inline disk volume", "delete the disk and its data with the pod"},
		{EIPs, false, "EIP", "`k8s.aliyun.com/eci-eip-instanceid`, `pod-eip-instanceid`, `network.alibabacloud.com/allocated-eip-id`", "take a public address that clients and firewalls trust"},
		{EIPPools, true, "address pool", "`eip-public-ip-address-pool-id`", "use up a pool of addresses"},
		{BandwidthPackages, true, "bandwidth package", "`eip-common-bandwidth-package-id`", "use up the bandwidth of others"},
		{KeptAddresses, true, "address that outlives the pod", "`eci-fixed-ip`, `pod-eip-release-strategy`; the values are those of the annotation", "keep addresses that are paid for after the pod"},
		{VSwitches, true, "vSwitch", "`k8s.aliyun.com/eci-vswitch`", "join a network that trusts its members"},
		{SecurityGroups, true, "security group", "`k8s.aliyun.com/eci-security-group`", "pass by the firewall of others"},
		{PodNetworks, true, "PodNetworking", "`k8s.aliyun.com/pod-networking`", "take the network of a PodNetworking that does not select the pod"},
		{PrivateAddresses, true, "private address", "`k8s.aliyun.com/eci-private-ip-address`", "take an address that clients trust"},
		{ResourceGroups, true, "resource group", "`k8s.aliyun.com/eci-resource-group-id`, `eip-resource-group-id`", "be billed to others, or be administered by them"},
		{Tags, true, "tag", "`k8s.aliyun.com/eci-custom-tags`, `eip-tags`; the values are key:value", "be billed to others, or match RAM policies by tag"},
		{ImageCaches, true, "image cache", "`k8s.aliyun.com/eci-imc-id`; `eci-auto-imc` takes any; `imc-match-count-request` and `imc-perfect-match` choose among those that are allowed", "read the images of a cache without their registry's password"},
		{Registries, true, "registry instance", "`k8s.aliyun.com/acr-instance-ids`", "pull the images of a registry of the account without a password"},
		{DataCacheBuckets, true, "data cache bucket", "`k8s.aliyun.com/eci-data-cache-bucket`", "read the data caches of the bucket"},
		{FileSystems, true, "file server", "`server` of an inline NFS or NAS volume, and an address in its `options`", "read and change files that the network alone protects"},
		{Buckets, true, "bucket", "`bucket` of an inline OSS volume", "nothing without a key or a role"},
		{KMSKeys, true, "KMS key", "`kmsKeyId` of an inline disk volume", "use a key of the account for a new disk"},
		{LogProjects, true, "log project", "the variable `aliyun_logs_<name>_project` of a container", "write into the logs of others"},
	}
}

func resourceRule(resource Resource) (ResourceRule, bool) {
	rows := Resources()
	i := slices.IndexFunc(rows, func(row ResourceRule) bool { return row.Resource == resource })
	if i < 0 {
		return ResourceRule{}, false
	}
	return rows[i], true
}

// Grants are, by resource, the values that may be named. An item may have * for
// any text.
type Grants map[Resource][]string

// Permissions says which resources of the account pods may name. A pod may name
// what Allow or a rule for its namespace allows; nothing takes away what another
// one gives. The zero value is the safe default.
type Permissions struct {
	// Allow is for the pods of all namespaces. A resource that it does not have is
	// as in Resources: open, or closed.
	Allow Grants `json:"allow,omitempty"`
	// Rules add to it for some namespaces.
	Rules []PermissionRule `json:"rules,omitempty"`
	// Assumed says that these are not the settings of a node, which refusals tell.
	Assumed bool `json:"-"`
}

// PermissionRule is what the pods of some namespaces may name.
type PermissionRule struct {
	// Namespaces are names, which may have * for any text.
	Namespaces []string `json:"namespaces"`
	Allow      Grants   `json:"allow"`
}

// AllPermissions lets pods name everything: for a group that is there already,
// what it was made with was decided then.
func AllPermissions() Permissions {
	all := Permissions{Allow: Grants{}}
	for _, row := range Resources() {
		all.Allow[row.Resource] = []string{"*"}
	}
	return all
}

// Validate returns everything that is wrong, with paths below path.
func (p Permissions) Validate(path *field.Path) field.ErrorList {
	errs := p.Allow.validate(path.Child("allow"))
	for i, rule := range p.Rules {
		at := path.Child("rules").Index(i)
		if len(rule.Namespaces) == 0 {
			errs = append(errs, field.Required(at.Child("namespaces"), `names of namespaces; "*" is all`))
		}
		if len(rule.Allow) == 0 {
			errs = append(errs, field.Required(at.Child("allow"), "what the pods of these namespaces may name"))
		}
		errs = append(errs, rule.Allow.validate(at.Child("allow"))...)
	}
	return errs
}

func (g Grants) validate(path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for resource := range g {
		if _, known := resourceRule(resource); known {
			continue
		}
		var names []string
		for _, row := range Resources() {
			names = append(names, string(row.Resource))
		}
		errs = append(errs, field.NotSupported(path, string(resource), names))
	}
	slices.SortFunc(errs, func(a, b *field.Error) int { return cmp.Compare(a.Error(), b.Error()) })
	return errs
}

// Allows reports whether a pod of the namespace may name the value.
func (p Permissions) Allows(namespace string, resource Resource, value string) bool {
	general, set := p.Allow[resource]
	if !set {
		if rule, known := resourceRule(resource); known && rule.Open {
			return true
		}
	}
	if matchesAny(general, value) {
		return true
	}
	return slices.ContainsFunc(p.Rules, func(rule PermissionRule) bool {
		return matchesAny(rule.Namespaces, namespace) && matchesAny(rule.Allow[resource], value)
	})
}

func matchesAny(patterns []string, value string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool { return matchesPattern(pattern, value) })
}

// matchesPattern reports whether the value is the pattern, where each * stands
// for any text.
func matchesPattern(pattern, value string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == value
	}
	first, last := parts[0], parts[len(parts)-1]
	if len(value) < len(first)+len(last) || !strings.HasPrefix(value, first) || !strings.HasSuffix(value, last) {
		return false
	}
	value = value[len(first) : len(value)-len(last)]
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(value, part)
		if i < 0 {
			return false
		}
		value = value[i+len(part):]
	}
	return true
}

// permit refuses a value that the pod may not name. It is compared as it is sent: what
// reads it next may not take a comma or a space for what this node does.
func (t *translator) permit(resource Resource, path *field.Path, value string) {
	if value != "" && !t.cfg.Permissions.Allows(t.pod.Namespace, resource, value) {
		t.refuse(path, t.notPermitted(resource, fmt.Sprintf("%.100q", value)))
	}
}

// permitAny refuses what chooses among all of a resource, or cannot be read, unless the
// pod may name all.
func (t *translator) permitAny(resource Resource, path *field.Path, what string) {
	if !t.cfg.Permissions.Allows(t.pod.Namespace, resource, anyValue) {
		t.refuse(path, t.notPermitted(resource, what))
	}
}

// anyValue is a value that no pattern matches but those that match every one.
const anyValue = "\x00"

// notPermitted is the text of a refusal; which may be empty where the value is
// not to be shown.
func (t *translator) notPermitted(resource Resource, which string) string {
	row, _ := resourceRule(resource)
	text := fmt.Sprintf("pods of namespace %s may not name %s %s: ask the operator of the node to allow it under permissions, in allow.%s or in a rule for the namespace",
		t.pod.Namespace, row.What, which, resource)
	if t.cfg.Permissions.Assumed {
		text += " (the default permissions are assumed, for no settings of a node are given)"
	}
	return text
}

// permitAnnotation checks the permission that an annotation needs. What the
// profile of the cluster gives is the operator's own.
func (t *translator) permitAnnotation(row Annotation, key, value string) {
	switch {
	case row.Permission == "" || row.checksItself || t.isGranted(key):
	case row.Permission == KeptAddresses && slices.Contains([]string{"false", "follow"}, strings.ToLower(value)):
	default:
		for _, item := range splitList(value) {
			t.permit(row.Permission, annotationPath(key), item)
		}
	}
}

// isGranted reports whether the annotation is as the profile of the cluster gives
// it.
func (t *translator) isGranted(key string) bool {
	given, ok := t.cfg.Granted[key]
	return ok && given == t.pod.Annotations[key]
}

// annotationOf returns the key of an annotation's path.
func annotationOf(path *field.Path) string {
	return strings.TrimSuffix(strings.TrimPrefix(path.String(), "metadata.annotations["), "]")
}
