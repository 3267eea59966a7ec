package request

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Bounds on what one pod may ask of this node. They are checked before any other
// work is done on the pod. Limits of ECI stand beside the code that fills the
// parameter (maxContainers, maxWords, maxFiles and others); these here are the
// bounds that ECI does not name. Each is far above what a pod needs.
const (
	// maxText is the longest variable, or word of a command line, after its
	// references are replaced. Source: MAX_ARG_STRLEN of Linux; execve refuses
	// longer ones, whatever ECI takes. Certain.
	maxText = 128 << 10
	// maxPodText is how many bytes of variables and command lines are put
	// together for all containers. Source: four times the limit that Linux has
	// for one process with the usual stack (2 MiB). Our own choice.
	maxPodText = 8 << 20
	// keyCost is what reading one key of envFrom takes of maxPodText.
	keyCost = 100
	// maxSourceKeys is how many keys a ConfigMap or Secret of envFrom may have.
	// ECI takes 240 variables; keys that make no variable are passed over. Our
	// own choice.
	maxSourceKeys = 1000
	// maxMetadata is the size of all annotations, and of all labels. Source:
	// TotalAnnotationSizeLimitB of Kubernetes; that of labels is our own choice.
	maxMetadata = 256 << 10
	// maxAnnotation is the longest value of an annotation that this node reads:
	// that of 100 host aliases with names of 253 characters. Our own choice.
	maxAnnotation = 32 << 10
	// maxSpecs is how many sizes and types eci-use-specs may list. The documents
	// name no limit. Our own choice.
	maxSpecs = 100
	// maxVariableEntries is how long env may be; entries of one name count once
	// against the 240 of ECI. Our own choice.
	maxVariableEntries = 1000
	// maxEntries is the length of lists that Kubernetes does not limit: envFrom,
	// imagePullSecrets, sysctls, readinessGates, the parts of dnsConfig, added
	// capabilities. Our own choice.
	maxEntries = 100
	// maxHostEntries is how long hostAliases may be; entries of one address count
	// once against the 100 of ECI. Our own choice.
	maxHostEntries = 1000
	// maxSources bounds the sources of a projected volume, maxItems the items of any
	// volume. ECI takes maxFiles; items of optional keys that are missing make no file.
	// Our own choice.
	maxSources = 40
	maxItems   = 200
	// maxReferences is how many ConfigMaps, Secrets and claims a pod may name:
	// each is a call of the API server. Our own choice.
	maxReferences = 1000
	// MaxObjectBytes is the size of all ConfigMaps and Secrets that are read for a pod,
	// in bytes: of four as large as Kubernetes takes them. Our own choice.
	MaxObjectBytes = 4 << 20
	// maxTokens is how many tokens are made for a pod. Our own choice.
	maxTokens = 100
	// maxPullSecretText is the size of all pull secrets of a pod; ECI takes ten
	// logins. Our own choice.
	maxPullSecretText = 256 << 10
	// maxProfileText is the size of the selectors of eci-profile: each is matched
	// with each pod. Our own choice.
	maxProfileText = 64 << 10
	// maxServiceVariables is how many variables of Services are made, and can be
	// referred to. ECI takes 240. Our own choice.
	maxServiceVariables = 4096
	// maxReports is how many refusals, or warnings, are told of one pod, and
	// maxCollected how many are collected before those said twice are left out.
	// Our own choice.
	maxReports   = 100
	maxCollected = 2000
	// maxSuggestions is for how many unknown annotations the nearest known one is
	// looked up, and maxSuggestionKey for keys of which length.
	maxSuggestions   = 10
	maxSuggestionKey = 128
)

// CheckBounds returns a *RefusedError that names every part of the pod that is
// larger than what is worked on here. It takes time in proportion to the size of
// the pod, and is to be asked before the objects of the pod are read.
func CheckBounds(pod *corev1.Pod) error {
	g := &gate{}
	g.metadata(pod)
	g.lists(&pod.Spec, field.NewPath("spec"))
	if len(g.refusals) == 0 { // what is counted now is bounded in length
		g.pod(pod)
	}
	if len(g.refusals) > 0 {
		return &RefusedError{Fields: limited(g.refusals)}
	}
	return nil
}

// gate collects what is over a bound.
type gate struct{ refusals field.ErrorList }

// count refuses the field of path that has more than most entries.
func (g *gate) count(path *field.Path, name string, n, most int) {
	if n > most {
		g.refusals = append(g.refusals, field.TooMany(path.Child(name), n, most))
	}
}

func (g *gate) quantity(path *field.Path, quantity resource.Quantity) {
	if problem := quantityProblem(quantity); problem != "" && len(g.refusals) < maxCollected {
		// The number itself may have a billion digits.
		g.refusals = append(g.refusals, field.Forbidden(path, problem))
	}
}

func (g *gate) metadata(pod *corev1.Pod) {
	for name, entries := range map[string]map[string]string{"annotations": pod.Annotations, "labels": pod.Labels} {
		size := 0
		for key, value := range entries {
			size += len(key) + len(value)
		}
		if size > maxMetadata {
			g.refusals = append(g.refusals, field.Forbidden(field.NewPath("metadata", name),
				fmt.Sprintf("they have %d bytes; a pod has at most %d", size, maxMetadata)))
		}
	}
}

// lists checks the lists of the pod that others are nested in.
func (g *gate) lists(spec *corev1.PodSpec, path *field.Path) {
	sidecars := 0
	for i := range spec.InitContainers {
		if IsSidecar(spec.InitContainers[i]) {
			sidecars++
		}
	}
	g.count(path, "containers", len(spec.Containers)+sidecars, maxContainers)
	g.count(path, "initContainers", len(spec.InitContainers)-sidecars, maxInitContainers)
	g.count(path, "volumes", len(spec.Volumes), maxVolumes)
	g.count(path, "imagePullSecrets", len(spec.ImagePullSecrets), maxEntries)
	g.count(path, "hostAliases", len(spec.HostAliases), maxHostEntries)
	g.count(path, "readinessGates", len(spec.ReadinessGates), maxEntries)
	if dns := spec.DNSConfig; dns != nil {
		at := path.Child("dnsConfig")
		g.count(at, "nameservers", len(dns.Nameservers), maxEntries)
		g.count(at, "searches", len(dns.Searches), maxEntries)
		g.count(at, "options", len(dns.Options), maxEntries)
	}
	if security := spec.SecurityContext; security != nil {
		g.count(path.Child("securityContext"), "sysctls", len(security.Sysctls), maxEntries)
	}
}

// pod checks the parts of a pod with a bounded number of containers and volumes.
func (g *gate) pod(pod *corev1.Pod) {
	path := field.NewPath("spec")
	refs := &referenceCount{}
	for i := range pod.Spec.InitContainers {
		g.container(&pod.Spec.InitContainers[i], path.Child("initContainers").Index(i), refs)
	}
	for i := range pod.Spec.Containers {
		g.container(&pod.Spec.Containers[i], path.Child("containers").Index(i), refs)
	}
	for i := range pod.Spec.Volumes {
		g.volume(&pod.Spec.Volumes[i], path.Child("volumes").Index(i), refs)
	}
	if r := pod.Spec.Resources; r != nil {
		g.resources(*r, path.Child("resources"))
	}
	g.list(pod.Spec.Overhead, path.Child("overhead"))
	if n := len(refs.objects); n > maxReferences {
		g.refusals = append(g.refusals, field.Forbidden(path, fmt.Sprintf("it names %d ConfigMaps, Secrets and claims, and at most %d are read for a pod", n, maxReferences)))
	}
	if n := len(refs.tokens); n > maxTokens {
		g.refusals = append(g.refusals, field.Forbidden(path.Child("volumes"), fmt.Sprintf("they ask for %d tokens, and at most %d are made for a pod", n, maxTokens)))
	}
}

func (g *gate) container(c *corev1.Container, path *field.Path, refs *referenceCount) {
	g.count(path, "command", len(c.Command), maxWords)
	g.count(path, "args", len(c.Args), maxWords)
	g.count(path, "ports", len(c.Ports), maxPorts)
	g.count(path, "volumeMounts", len(c.VolumeMounts), maxMounts)
	g.count(path, "env", len(c.Env), maxVariableEntries)
	g.count(path, "envFrom", len(c.EnvFrom), maxEntries)
	if s := c.SecurityContext; s != nil && s.Capabilities != nil {
		g.count(path.Child("securityContext", "capabilities"), "add", len(s.Capabilities.Add), maxEntries)
	}
	g.resources(c.Resources, path.Child("resources"))
	for i := range c.Env {
		source := c.Env[i].ValueFrom
		if source == nil {
			continue
		}
		if ref := source.ResourceFieldRef; ref != nil {
			g.quantity(path.Child("env").Index(i).Child("valueFrom", "resourceFieldRef", "divisor"), ref.Divisor)
		}
		refs.variable(source)
	}
	for i := range c.EnvFrom {
		refs.source(&c.EnvFrom[i])
	}
}

func (g *gate) resources(r corev1.ResourceRequirements, path *field.Path) {
	g.list(r.Limits, path.Child("limits"))
	g.list(r.Requests, path.Child("requests"))
}

func (g *gate) list(list corev1.ResourceList, path *field.Path) {
	for name, quantity := range list {
		g.quantity(path.Key(string(name)), quantity)
	}
}

func (g *gate) volume(v *corev1.Volume, path *field.Path, refs *referenceCount) {
	switch {
	case v.EmptyDir != nil && v.EmptyDir.SizeLimit != nil:
		g.quantity(path.Child("emptyDir", "sizeLimit"), *v.EmptyDir.SizeLimit)
	case v.ConfigMap != nil:
		g.count(path.Child("configMap"), "items", len(v.ConfigMap.Items), maxItems)
		refs.object(KindConfigMap, v.ConfigMap.Name)
	case v.Secret != nil:
		g.count(path.Child("secret"), "items", len(v.Secret.Items), maxItems)
		refs.object(KindSecret, v.Secret.SecretName)
	case v.DownwardAPI != nil:
		g.downward(v.DownwardAPI.Items, path.Child("downwardAPI"))
	case v.Projected != nil:
		g.projected(v.Projected, path.Child("projected"), refs)
	}
}

func (g *gate) downward(items []corev1.DownwardAPIVolumeFile, path *field.Path) {
	g.count(path, "items", len(items), maxItems)
	for i := range items {
		if ref := items[i].ResourceFieldRef; ref != nil {
			g.quantity(path.Child("items").Index(i).Child("resourceFieldRef", "divisor"), ref.Divisor)
		}
	}
}

func (g *gate) projected(p *corev1.ProjectedVolumeSource, path *field.Path, refs *referenceCount) {
	tokens := 0
	items := 0
	for i := range p.Sources {
		source := &p.Sources[i]
		if s := source.ConfigMap; s != nil {
			items += len(s.Items)
			refs.object(KindConfigMap, s.Name)
		}
		if s := source.Secret; s != nil {
			items += len(s.Items)
			refs.object(KindSecret, s.Name)
		}
		if s := source.DownwardAPI; s != nil {
			items += len(s.Items)
			g.downward(s.Items, path.Child("sources").Index(i).Child("downwardAPI"))
		}
		if s := source.ServiceAccountToken; s != nil {
			tokens++
			refs.token(tokenKey(s))
		}
	}
	g.count(path, "sources", len(p.Sources)-tokens, maxSources)
	if items > maxItems {
		g.refusals = append(g.refusals, field.TooMany(path.Child("sources"), items, maxItems))
	}
}

// referenceCount counts what a pod names, each object once.
type referenceCount struct {
	objects map[[2]string]bool
	tokens  map[TokenKey]bool
}

func (r *referenceCount) object(kind, name string) {
	if r.objects == nil {
		r.objects = map[[2]string]bool{}
	}
	r.objects[[2]string{kind, name}] = true
}

func (r *referenceCount) token(key TokenKey) {
	if r.tokens == nil {
		r.tokens = map[TokenKey]bool{}
	}
	r.tokens[key] = true
}

func (r *referenceCount) variable(source *corev1.EnvVarSource) {
	if ref := source.ConfigMapKeyRef; ref != nil {
		r.object(KindConfigMap, ref.Name)
	}
	if ref := source.SecretKeyRef; ref != nil {
		r.object(KindSecret, ref.Name)
	}
}

func (r *referenceCount) source(source *corev1.EnvFromSource) {
	if ref := source.ConfigMapRef; ref != nil {
		r.object(KindConfigMap, ref.Name)
	}
	if ref := source.SecretRef; ref != nil {
		r.object(KindSecret, ref.Name)
	}
}

// limitedWarnings is limited for warnings, each of which becomes an event.
func limitedWarnings(warnings []Warning) []Warning {
	warnings = once(warnings, Warning.String)
	if len(warnings) <= maxReports {
		return warnings
	}
	return append(slices.Clip(warnings[:maxReports]), Warning{Reason: ReasonMoreWarnings, Path: "spec",
		Message: fmt.Sprintf("%d more warnings are left out", len(warnings)-maxReports)})
}

// limited cuts a list of refusals to a length that fits the status of a pod, and
// says how many were left out.
func limited(refusals field.ErrorList) field.ErrorList {
	refusals = once(refusals, (*field.Error).Error)
	if len(refusals) <= maxReports {
		return refusals
	}
	return append(slices.Clip(refusals[:maxReports]), field.Forbidden(field.NewPath("spec"),
		fmt.Sprintf("%d more fields are refused", len(refusals)-maxReports)))
}
