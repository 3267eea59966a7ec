package request

// Treatment is what becomes of a field of a pod.
type Treatment string

// The treatments.
const (
	// Translated fields reach the group, or are refused in part with the path
	// of the part.
	Translated Treatment = "translated"
	// Kept fields are done by Kubernetes, and mean nothing to the group.
	Kept Treatment = "kept by Kubernetes"
	// Refused fields have no counterpart in ECI: set to anything but what ECI
	// does anyway they refuse the pod.
	Refused Treatment = "refused"
)

// Rule is the row of one field.
type Rule struct {
	// Kind names the struct, Field its field as in YAML.
	Kind, Field string
	Treatment   Treatment
	// Note says why, and what to do instead.
	Note string
	// anyway says that a value of a refused field asks for what ECI does
	// anyway. The value is never the zero value; pointers are followed.
	anyway func(value any) bool
}

// Kinds of the rows. An init container has rows of its own, because ECI gives
// it fewer parameters.
const (
	kindPodSpec           = "PodSpec"
	kindContainer         = "Container"
	kindInitContainer     = "InitContainer"
	kindPort              = "ContainerPort"
	kindEnvVarSource      = "EnvVarSource"
	kindVolumeMount       = "VolumeMount"
	kindVolume            = "Volume"
	kindProjection        = "VolumeProjection"
	kindProbe             = "Probe"
	kindHTTPProbe         = "Probe.HTTPGetAction"
	kindTCPProbe          = "Probe.TCPSocketAction"
	kindGRPCProbe         = "Probe.GRPCAction"
	kindLifecycle         = "Lifecycle"
	kindHook              = "LifecycleHandler"
	kindSecurity          = "SecurityContext"
	kindInitSecurity      = "InitContainer.SecurityContext"
	kindPodSecurity       = "PodSecurityContext"
	kindResources         = "ResourceRequirements"
	kindEmptyDir          = "EmptyDirVolumeSource"
	kindConfigMapVolume   = "ConfigMapVolumeSource"
	kindSecretVolume      = "SecretVolumeSource"
	kindDownwardVolume    = "DownwardAPIVolumeSource"
	kindProjectedVolume   = "ProjectedVolumeSource"
	kindNFSVolume         = "NFSVolumeSource"
	kindFlexVolume        = "FlexVolumeSource"
	kindCSIVolume         = "CSIVolumeSource"
	kindClaimVolume       = "PersistentVolumeClaimVolumeSource"
	kindHostPathVolume    = "HostPathVolumeSource"
	kindServiceAccountTok = "ServiceAccountTokenProjection"
)

// Rules returns the row of every field of a pod, in the order of the API.
func Rules() []Rule {
	var rules []Rule
	for _, rows := range [][]Rule{podRules(), containerRules(), initContainerRules(), containerPartRules(), probeRules(), securityRules(), volumeRules()} {
		rules = append(rules, rows...)
	}
	return rules
}

func translated(kind string, fields ...string) []Rule { return rows(kind, Translated, "", fields) }

// partly marks translated rows of which not every value can be had.
func partly(kind, note string, fields ...string) []Rule { return rows(kind, Translated, note, fields) }

func kept(kind, note string, fields ...string) []Rule { return rows(kind, Kept, note, fields) }

func refused(kind, note string, fields ...string) []Rule { return rows(kind, Refused, note, fields) }

// unless marks refused rows of which some values ask for what ECI does anyway.
func unless(anyway func(any) bool, rules []Rule) []Rule {
	for i := range rules {
		rules[i].anyway = anyway
	}
	return rules
}

func rows(kind string, treatment Treatment, note string, fields []string) []Rule {
	rules := make([]Rule, len(fields))
	for i, name := range fields {
		rules[i] = Rule{Kind: kind, Field: name, Treatment: treatment, Note: note}
	}
	return rules
}

// is makes a predicate for unless that holds for one value.
func is[T comparable](want T) func(any) bool {
	return func(value any) bool { return value == any(want) }
}

func join(groups ...[]Rule) []Rule {
	var all []Rule
	for _, group := range groups {
		all = append(all, group...)
	}
	return all
}
