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

	keySpotStrategy = annotationPrefix + "eci-spot-strategy"
)

// Values of SpotStrategy.
const (
	spotNone       = "NoSpot"
	spotPriceLimit = "SpotWithPriceLimit"
	spotAsPriceGo  = "SpotAsPriceGo"
)

// Values of ScheduleStrategy.
const (
	scheduleOrdered = "VSwitchOrdered"
	scheduleRandom  = "VSwitchRandom"
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
		eipAnnotations(), volumeAnnotations(), emulationAnnotations(), behaviourAnnotations(), refusedAnnotations(), writtenAnnotations()} {
		all = append(all, rows...)
	}
	for i := range all {
		all[i] = all[i].named()
	}
	return all
}

func sizeAnnotations() []Annotation {
	return []Annotation{
		{Key: "eci-use-specs", Aliases: []string{"eci-instance-type"}, Parameter: "InstanceType", Note: "2-4Gi, or a list such as 2-4Gi,ecs.c6.large", apply: applySpecs},
		{Key: "eci-compute-category", Parameter: "ComputeCategory", Note: "economy, general; tried in order",
			apply: list(func(r *request) *[]string { return &r.ComputeCategory }, "economy", "general")},
		{Key: "eci-cpu-option-core", Parameter: "CpuOptionsCore", Note: "physical cores", apply: whole(1, maxCores, func(r *request) *int32 { return &r.CPUOptionsCore })},
		{Key: "eci-cpu-option-ht", Parameter: "CpuOptionsThreadsPerCore", Note: "threads per core",
			apply: whole(1, 2, func(r *request) *int32 { return &r.CPUOptionsThreadsPerCore })},
		{Key: "eci-gpu-driver-version", Parameter: "GpuDriverVersion", Note: "tesla=470.82.01", apply: text(func(r *request) *string { return &r.GPUDriverVersion })},
		{Key: "eci-extra-ephemeral-storage", Parameter: "EphemeralStorage", Note: "50Gi, on top of the 30 GiB of every group", apply: applyStorage},
		{Key: "eci-spot-strategy", Parameter: "SpotStrategy", Note: "SpotAsPriceGo or SpotWithPriceLimit",
			apply: oneOf(func(r *request) *string { return &r.SpotStrategy }, spotNone, spotAsPriceGo, spotPriceLimit)},
		{Key: "eci-spot-price-limit", Parameter: "SpotPriceLimit", Note: "0.5 an hour", apply: applySpotPrice},
		{Key: "eci-spot-duration", Parameter: "SpotDuration", Note: "protected hours, 0 for none",
			apply: long(0, maxSpotHours, func(r *request) **int64 { return &r.SpotDuration })},
		{Key: "eci-core-pattern", Parameter: "CorePattern", Note: "path of core files", apply: applyCorePattern},
		{Key: "eci-max-pending-minute", Parameter: "MaxPendingMinute", Note: "10 to 1440",
			apply: whole(minPendingMinute, maxPendingMinute, func(r *request) *int32 { return &r.MaxPendingMinute })},
	}
}

func placeAnnotations() []Annotation {
	return []Annotation{
		{Key: "eci-vswitch", Permission: VSwitches, Parameter: "VSwitchId", Note: "up to 10 ids", apply: applyVSwitches},
		{Key: "pod-networking", Permission: PodNetworks, Note: "name of a PodNetworking of Terway; else its selectors decide", Actor: ActorProvider},
		{Key: "eci-schedule-strategy", Parameter: "ScheduleStrategy", Note: "VSwitchOrdered or VSwitchRandom",
			apply: oneOf(func(r *request) *string { return &r.ScheduleStrategy }, scheduleOrdered, scheduleRandom)},
		{Key: "eci-security-group", Permission: SecurityGroups, Parameter: "SecurityGroupId", Note: "up to 5 ids",
			apply: textList(maxSecurityGroups, func(r *request) *string { return &r.SecurityGroupID })},
		{Key: "eci-resource-group-id", Permission: ResourceGroups, Parameter: "ResourceGroupId", Note: "rg-...", apply: text(func(r *request) *string { return &r.ResourceGroupID })},
		{Key: "eci-ram-role-name", Permission: RAMRoles, Parameter: "RamRoleName", Note: "name of a RAM role", apply: text(func(r *request) *string { return &r.RAMRoleName })},
		{Key: "eci-custom-tags", Permission: Tags, Parameter: "Tag", Note: "env:test,name:alice", apply: applyTags},
	}
}

func imageAnnotations() []Annotation {
	return []Annotation{
		{Key: "eci-auto-imc", Aliases: []string{"eci-image-cache"}, Permission: ImageCaches, checksItself: true, Parameter: "AutoMatchImageCache", Note: "true or false",
			apply: applyAutoCache},
		{Key: "eci-imc-id", Permission: ImageCaches, Aliases: []string{"eci-image-snapshot-id"}, Parameter: "ImageSnapshotId", Note: "imc-...", apply: text(func(r *request) *string { return &r.ImageSnapshotID })},
		{Key: "acr-instance-ids", Permission: Registries, Aliases: []string{"acr-instance-id"}, Parameter: "AcrRegistryInfo", Note: "cri-..., or cn-beijing:cri-... of another region", apply: applyACRInstances},
		{Key: "acr-service-arns", Permission: RAMRoles, Parameter: "AcrRegistryInfo", Note: "role ARNs on the side of ECI",
			apply: applyACRRoles(func(a *eci.ACRRegistryInfo) *string { return &a.ARNService })},
		{Key: "acr-user-arns", Permission: RAMRoles, Parameter: "AcrRegistryInfo", Note: "role ARNs on the side of the registry",
			apply: applyACRRoles(func(a *eci.ACRRegistryInfo) *string { return &a.ARNUser })},
		{Key: "plain-http-registry", Parameter: "PlainHttpRegistry", Note: "hosts served over HTTP",
			apply: textList(math.MaxInt32, func(r *request) *string { return &r.PlainHTTPRegistry })},
		{Key: "insecure-registry", Parameter: "InsecureRegistry", Note: "hosts with certificates of their own",
			apply: textList(math.MaxInt32, func(r *request) *string { return &r.InsecureRegistry })},
		{Key: "eci-data-cache-bucket", Permission: DataCacheBuckets, Parameter: "DataCacheBucket", Note: "bucket of the data cache", apply: text(func(r *request) *string { return &r.DataCacheBucket })},
		{Key: "eci-data-cache-pl", Parameter: "DataCachePL", Note: "performance level", apply: text(func(r *request) *string { return &r.DataCachePL })},
		{Key: "eci-data-cache-provisionedIops", Parameter: "DataCacheProvisionedIops", Note: "operations a second",
			apply: long(0, 50000, func(r *request) **int64 { return &r.DataCacheProvisionedIOPS })},
		{Key: "eci-data-cache-burstingEnabled", Parameter: "DataCacheBurstingEnabled", Note: "true or false",
			apply: truth(func(r *request) **bool { return &r.DataCacheBurstingEnabled })},
	}
}

func networkAnnotations() []Annotation {
	return []Annotation{
		{Key: "eci-enable-ipv6", Parameter: "Ipv6AddressCount", Note: "true or false", apply: applyIPv6},
		{Key: "eci-ipv6-bandwidth-enable", Parameter: "Ipv6GatewayBandwidthEnable", Note: "true or false",
			apply: truth(func(r *request) **bool { return &r.IPv6GatewayBandwidthEnable })},
		{Key: "eci-ipv6-bandwidth", Parameter: "Ipv6GatewayBandwidth", Note: "100M", apply: applyIPv6Bandwidth},
		{Key: "eci-private-ip-address", Permission: PrivateAddresses, Parameter: "PrivateIpAddress", Note: "an idle IPv4 address", apply: applyPrivateIP},
		{Key: "eci-fixed-ip", Permission: KeptAddresses, Parameter: "FixedIp", Note: "true or false", apply: applyFixedIP},
		{Key: "eci-fixed-ip-retain-hour", Parameter: "FixedIpRetainHour", Note: "hours",
			apply: whole(1, math.MaxInt32, func(r *request) *int32 { return &r.FixedIPRetainHour })},
		{Key: "eci-custom-hosts", Parameter: "HostAliase", Note: `[{"host":"a","ip":"10.0.0.1"}]`, apply: applyHosts},
		{Key: "eci-custom-dnsconfig", Parameter: "DnsConfig", Note: `{"nameservers":"1.1.1.1","searches":"a,b","options":"ndots:2"}`, apply: applyDNS},
		{Key: "kubernetes.io/ingress-bandwidth", Parameter: "IngressBandwidth", Note: "40M, in bit/s; needs bandwidthUnit in the settings of the node",
			apply: bandwidth(func(r *request) *int64 { return &r.IngressBandwidth })},
		{Key: "kubernetes.io/egress-bandwidth", Parameter: "EgressBandwidth", Note: "40M, in bit/s; needs bandwidthUnit in the settings of the node",
			apply: bandwidth(func(r *request) *int64 { return &r.EgressBandwidth })},
		{Key: "eci-ntp-server", Parameter: "NtpServer", Note: "addresses, at most 20", apply: list(func(r *request) *[]string { return &r.NTPServers })},
	}
}

// volumeAnnotations change the volumes of the pod.
func volumeAnnotations() []Annotation {
	return []Annotation{
		{Key: "eci-set-diskvolume", Parameter: "Volume.FlexVolume", Note: "volume:ext4:500Gi makes an emptyDir or hostPath volume a disk of the pod",
			apply: applyDiskVolume},
	}
}

// refusedAnnotations have no parameter in the public API; where a value asks
// for what happens anyway, it is taken.
func refusedAnnotations() []Annotation {
	const none = "the public API has no such parameter: "
	const types = none + "name ECS types in " + keyUseSpecs
	never := func(key, why string, values ...string) Annotation {
		return Annotation{Key: key, Note: why, Actor: ActorRefused, apply: onlyDefault(why, values...)}
	}
	return []Annotation{
		never("eci-instance-family", types), never("eci-instance-generation", types),
		never("eci-privatepool-matchcriteria", none+"leave it out", "", "none"), never("eci-privatepool-id", none+"leave it out"),
		never("eci-ephemeral-storage-options", none+"mount an encrypted disk"),
		never("eci-reschedule-enable", "this node tries again by itself: leave it out", "", "false"),
		never("eci-eviction-enable", none+"ask for more eci-extra-ephemeral-storage", "", "false"),
		never("eci-sls-enable", "this node sends no logs to SLS: run a log agent as a sidecar", "", "false"),
		never("eci-network-policy-enable", none+"use security groups", "", "false"),
	}
}

// writtenAnnotations are written on the pod by this node or the managed product
// and mean nothing in a request.
func writtenAnnotations() []Annotation {
	var rows []Annotation
	for _, key := range []string{"eci-request-id", "eci-instance-id", "eci-instance-spec", "eci-instance-cpu",
		"eci-instance-mem", "eci-instance-compute-category", "eci-instance-zone", "eci-vpc", "eni-instance-id",
		"allocated-eipInstanceId", "allocated-eipAddress", "allocated-ipv6Address",
		"eci-matched-image-cache", "eci-created-by-template", "eci-schedule-result", "eci-client-token",
		"eci-kube-proxy-enabled", "eci-drop-apiserver-interactive-caps", "ProviderCreate", "cluster-dns", "cluster-domain",
		"k8s-version", "vk-version", networkPrefix + "allocated-eipAddress", networkPrefix + "allocated-eip-address",
		networkPrefix + "allocated-eni-id"} {
		rows = append(rows, Annotation{Key: key, Actor: ActorNobody, Note: "written back, see the status of the pod"})
	}
	return rows
}

// ForeignAnnotations are the keys under the prefix of ECI that belong to other
// products, Terway above all: they are left alone.
func ForeignAnnotations() []string {
	names := []string{"pod-eni", "pod-networks", "pod-networks-request", "pod-ip-reservation",
		"pod-alloc-type", "allocated", "pod-uid", "network-priority", "pod-ips", "vnode"}
	for i := range names {
		names[i] = annotationPrefix + names[i]
	}
	return names
}
