package request

import (
	"math"

	"github.com/eci-vnode/eci-vnode/eci"
)

// request shortens the rows of the table.
type request = eci.CreateContainerGroupRequest

// Keys that other rows and messages name.
const (
	keyUseSpecs   = annotationPrefix + "eci-use-specs"
	keyCustomTags = annotationPrefix + "eci-custom-tags"
	keySpotPrice  = annotationPrefix + "eci-spot-price-limit"
)

// Values of SpotStrategy.
const (
	spotNone       = "NoSpot"
	spotPriceLimit = "SpotWithPriceLimit"
	spotAsPriceGo  = "SpotAsPriceGo"
)

// Bounds of parameters. Source: OpenAPI metadata and the annotation document.
const (
	maxSecurityGroups = 5
	minPendingMinute  = 10
	maxPendingMinute  = 1440
	maxCores          = 1000
	maxSpotHours      = 6
	maxEIPBandwidth   = 1000
)

// Annotations returns the row of every annotation that a pod may carry for ECI.
// Source: product document "Annotations for ECI-based pods".
func Annotations() []Annotation {
	var all []Annotation
	for _, rows := range [][]Annotation{sizeAnnotations(), placeAnnotations(), imageAnnotations(), networkAnnotations(),
		eipAnnotations(), refusedAnnotations(), writtenAnnotations()} {
		all = append(all, rows...)
	}
	for i := range all {
		all[i] = all[i].named()
	}
	return all
}

func sizeAnnotations() []Annotation {
	return []Annotation{
		{"eci-use-specs", []string{"eci-instance-type"}, "InstanceType", "2-4Gi, or a list such as 2-4Gi,ecs.c6.large", applySpecs},
		{"eci-compute-category", nil, "ComputeCategory", "economy, general; tried in order",
			list(func(r *request) *[]string { return &r.ComputeCategory }, "economy", "general")},
		{"eci-cpu-option-core", nil, "CpuOptionsCore", "physical cores", whole(1, maxCores, func(r *request) *int32 { return &r.CPUOptionsCore })},
		{"eci-cpu-option-ht", nil, "CpuOptionsThreadsPerCore", "threads per core",
			whole(1, 2, func(r *request) *int32 { return &r.CPUOptionsThreadsPerCore })},
		{"eci-gpu-driver-version", nil, "GpuDriverVersion", "tesla=470.82.01", text(func(r *request) *string { return &r.GPUDriverVersion })},
		{"eci-extra-ephemeral-storage", nil, "EphemeralStorage", "50Gi, on top of the 30 GiB of every group", applyStorage},
		{"eci-spot-strategy", nil, "SpotStrategy", "SpotAsPriceGo or SpotWithPriceLimit",
			oneOf(func(r *request) *string { return &r.SpotStrategy }, spotNone, spotAsPriceGo, spotPriceLimit)},
		{"eci-spot-price-limit", nil, "SpotPriceLimit", "0.5 an hour", applySpotPrice},
		{"eci-spot-duration", nil, "SpotDuration", "protected hours, 0 for none",
			long(0, maxSpotHours, func(r *request) **int64 { return &r.SpotDuration })},
		{"eci-core-pattern", nil, "CorePattern", "path of core files", applyCorePattern},
		{"eci-max-pending-minute", nil, "MaxPendingMinute", "10 to 1440",
			whole(minPendingMinute, maxPendingMinute, func(r *request) *int32 { return &r.MaxPendingMinute })},
	}
}

func placeAnnotations() []Annotation {
	return []Annotation{
		{"eci-vswitch", nil, "VSwitchId", "up to 10 ids", applyVSwitches},
		{"eci-schedule-strategy", nil, "ScheduleStrategy", "VSwitchOrdered or VSwitchRandom",
			oneOf(func(r *request) *string { return &r.ScheduleStrategy }, "VSwitchOrdered", "VSwitchRandom")},
		{"eci-security-group", nil, "SecurityGroupId", "up to 5 ids",
			textList(maxSecurityGroups, func(r *request) *string { return &r.SecurityGroupID })},
		{"eci-resource-group-id", nil, "ResourceGroupId", "rg-...", text(func(r *request) *string { return &r.ResourceGroupID })},
		{"eci-ram-role-name", nil, "RamRoleName", "name of a RAM role", text(func(r *request) *string { return &r.RAMRoleName })},
		{"eci-custom-tags", nil, "Tag", "env:test,name:alice", applyTags},
	}
}

func imageAnnotations() []Annotation {
	return []Annotation{
		{"eci-auto-imc", []string{"eci-image-cache"}, "AutoMatchImageCache", "true or false",
			truth(func(r *request) **bool { return &r.AutoMatchImageCache })},
		{"eci-imc-id", []string{"eci-image-snapshot-id"}, "ImageSnapshotId", "imc-...", text(func(r *request) *string { return &r.ImageSnapshotID })},
		{"acr-instance-ids", []string{"acr-instance-id"}, "AcrRegistryInfo", "cri-..., or cn-beijing:cri-... of another region", applyACRInstances},
		{"acr-service-arns", nil, "AcrRegistryInfo", "role ARNs on the side of ECI",
			applyACRRoles(func(a *eci.ACRRegistryInfo) *string { return &a.ARNService })},
		{"acr-user-arns", nil, "AcrRegistryInfo", "role ARNs on the side of the registry",
			applyACRRoles(func(a *eci.ACRRegistryInfo) *string { return &a.ARNUser })},
		{"plain-http-registry", nil, "PlainHttpRegistry", "hosts served over HTTP",
			textList(math.MaxInt32, func(r *request) *string { return &r.PlainHTTPRegistry })},
		{"insecure-registry", nil, "InsecureRegistry", "hosts with certificates of their own",
			textList(math.MaxInt32, func(r *request) *string { return &r.InsecureRegistry })},
		{"eci-data-cache-bucket", nil, "DataCacheBucket", "bucket of the data cache", text(func(r *request) *string { return &r.DataCacheBucket })},
		{"eci-data-cache-pl", nil, "DataCachePL", "performance level", text(func(r *request) *string { return &r.DataCachePL })},
		{"eci-data-cache-provisionedIops", nil, "DataCacheProvisionedIops", "operations a second",
			long(0, 50000, func(r *request) **int64 { return &r.DataCacheProvisionedIOPS })},
		{"eci-data-cache-burstingEnabled", nil, "DataCacheBurstingEnabled", "true or false",
			truth(func(r *request) **bool { return &r.DataCacheBurstingEnabled })},
	}
}

func networkAnnotations() []Annotation {
	return []Annotation{
		{"eci-enable-ipv6", nil, "Ipv6AddressCount", "true or false", applyIPv6},
		{"eci-ipv6-bandwidth-enable", nil, "Ipv6GatewayBandwidthEnable", "true or false",
			truth(func(r *request) **bool { return &r.IPv6GatewayBandwidthEnable })},
		{"eci-ipv6-bandwidth", nil, "Ipv6GatewayBandwidth", "100M", applyIPv6Bandwidth},
		{"eci-private-ip-address", nil, "PrivateIpAddress", "an idle IPv4 address", applyPrivateIP},
		{"eci-fixed-ip", nil, "FixedIp", "true or false", applyFixedIP},
		{"eci-fixed-ip-retain-hour", nil, "FixedIpRetainHour", "hours",
			whole(1, math.MaxInt32, func(r *request) *int32 { return &r.FixedIPRetainHour })},
		{"eci-custom-hosts", nil, "HostAliase", `[{"host":"a","ip":"10.0.0.1"}]`, applyHosts},
		{"eci-custom-dnsconfig", nil, "DnsConfig", `{"nameservers":"1.1.1.1","searches":"a,b","options":"ndots:2"}`, applyDNS},
		{"eci-ntp-server", nil, "NtpServer", "addresses, at most 20", list(func(r *request) *[]string { return &r.NTPServers })},
	}
}

// refusedAnnotations have no parameter in the public API; where a value asks
// for what happens anyway, it is taken.
func refusedAnnotations() []Annotation {
	const none = "the public API has no such parameter"
	never := func(key, why string, values ...string) Annotation {
		return Annotation{Key: key, Note: why, apply: onlyDefault(why, values...)}
	}
	return []Annotation{
		never("eci-instance-family", none), never("eci-instance-generation", none),
		never("eci-privatepool-matchcriteria", none), never("eci-privatepool-id", none),
		never("eci-ephemeral-storage-options", none), never("eci-set-diskvolume", none),
		never("kubernetes.io/ingress-bandwidth", "the unit of the parameter is not known for sure"),
		never("kubernetes.io/egress-bandwidth", "the unit of the parameter is not known for sure"),
		never("eci-spot-fallback", "not done on this node", "", "false"),
		never("eci-fail-strategy", "this node tries again until there is room", "", "fail-back", "fail-over"),
		never("pod-fail-on-create-err", "this node tries again until there is room", "", "false"),
		never("eci-reschedule-enable", "this node tries again by itself", "", "false"),
		never("imc-perfect-match", none, "", "false"), never("imc-match-count-request", none, "", "0"),
		never("eci-eviction-enable", none, "", "false"), never("eci-sls-enable", none, "", "false"),
		never("eci-network-policy-enable", none, "", "false"),
	}
}

// writtenAnnotations are written on the pod by this node or the managed product
// and mean nothing in a request.
func writtenAnnotations() []Annotation {
	var rows []Annotation
	for _, key := range []string{"eci-request-id", "eci-instance-id", "eci-instance-spec", "eci-instance-cpu",
		"eci-instance-mem", "eci-instance-compute-category", "eci-instance-zone", "eci-vpc", "eni-instance-id",
		"eci-matched-image-cache", "eci-created-by-template", "eci-schedule-result", "eci-client-token",
		"eci-kube-proxy-enabled", "eci-drop-apiserver-interactive-caps"} {
		rows = append(rows, Annotation{Key: key, Note: "written back, see the status of the pod"})
	}
	return rows
}
