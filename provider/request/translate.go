package request

import (
	"math"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	"github.com/eci-vnode/eci-vnode/eci"
)

// Translation is what became of a pod.
type Translation struct {
	// Request lacks only the ClientToken.
	Request *eci.CreateContainerGroupRequest
	// EIP is the public address that the pod asks for, nil for none.
	EIP *EIP
	// Warnings are to be told to the user, as events.
	Warnings []Warning
	// Asked is the size that the containers ask for, before it was raised to
	// one on sale; zero when nothing was asked.
	Asked Size
	// Given is the size on sale that the group gets and that is billed; zero when
	// the instance type decides.
	Given Size
	// Behaviour is what the pod asks of the node rather than of the cloud.
	Behaviour Behaviour

	hidden hidden
}

// FromPod is Translate without the warnings.
func FromPod(pod *corev1.Pod, objects Objects, cfg Config) (*eci.CreateContainerGroupRequest, error) {
	translation, err := Translate(pod, objects, cfg)
	if err != nil {
		return nil, err
	}
	return translation.Request, nil
}

// Translate turns the pod into the request that makes its group. The error is a
// *RefusedError that lists all fields that ECI cannot serve, or else a
// *MissingError that lists all mandatory objects that do not exist.
func Translate(pod *corev1.Pod, objects Objects, cfg Config) (*Translation, error) {
	if err := CheckBounds(pod); err != nil {
		return nil, err
	}
	t := newTranslator(pod, objects, cfg)
	t.translate()
	if len(t.refusals) > 0 {
		return nil, &RefusedError{Fields: limited(t.refusals)}
	}
	if len(t.missing) > 0 {
		return nil, &MissingError{Objects: once(t.missing, Missing.String)}
	}
	return &Translation{Request: t.req, EIP: t.wantedEIP, Warnings: limitedWarnings(t.warnings), Asked: t.asked, Given: t.size,
		Behaviour: t.behaviour, hidden: t.hidden}, nil
}

func newTranslator(pod *corev1.Pod, objects Objects, cfg Config) *translator {
	return &translator{
		pod: pod, objects: objects, cfg: cfg, rules: ruleTable(), req: &eci.CreateContainerGroupRequest{},
		hidden: hidden{}, disks: map[string]dynamicDisk{}, readOnly: map[string]bool{}, used: map[[2]string]bool{},
	}
}

// once leaves out what was said before: all containers report what they have
// from the pod.
func once[T any](list []T, text func(T) string) []T {
	seen := map[string]bool{}
	return slices.DeleteFunc(list, func(item T) bool {
		key := text(item)
		said := seen[key]
		seen[key] = true
		return said
	})
}

// podParts are parts of the pod that are asked for again and again, and made once.
type podParts struct {
	apps, inits         []corev1.Container
	annotations, labels *string
}

// translator is one translation under way.
type translator struct {
	pod     *corev1.Pod
	objects Objects
	cfg     Config
	rules   ruleIndex
	req     *eci.CreateContainerGroupRequest

	// asked is what the containers want, size what the group gets; size is zero
	// when the instance type decides. bound is the smallest size that the group
	// may get, as far as it is known.
	asked, size, bound Size
	// services are the variables of Services in order, and links the same by name.
	services []corev1.EnvVar
	links    map[string]string
	// spent is how much of maxPodText the variables and command lines have taken.
	spent int
	parts podParts
	// dns is what an annotation gives instead of the pod's own settings.
	dns *eci.DNSConfig
	// draft is what the annotations say about an EIP, wantedEIP what follows
	// from it.
	draft     eipDraft
	wantedEIP *EIP

	// sizePath is the annotation that gave the size.
	sizePath *field.Path
	// emulation is what annotations allow in the place of what ECI lacks.
	emulation emulation
	behaviour Behaviour
	// disks are the volumes that an annotation makes dynamic disks; readOnly
	// those whose every mount is read-only.
	disks    map[string]dynamicDisk
	readOnly map[string]bool
	hidden   hidden
	// used are the rows that the pod has touched.
	used map[[2]string]bool

	refusals field.ErrorList
	missing  []Missing
	warnings []Warning
}

// translate fills the request. Annotations come first, for they decide the
// size; the size comes before the containers, whose variables may show it.
func (t *translator) translate() {
	spec := field.NewPath("spec")
	t.check(kindPodSpec, t.pod.Spec, spec)
	t.group()
	t.annotations()
	t.setSize(spec)
	t.network(spec)
	t.podSecurity(spec.Child("securityContext"))
	t.credentials(spec.Child("imagePullSecrets"))
	t.volumes(spec.Child("volumes"))
	t.checkPod(spec)
	t.services = serviceVariables(t.pod, t.objects.Services)
	t.links = make(map[string]string, len(t.services))
	for _, link := range t.services {
		t.links[link.Name] = link.Value
	}
	t.containers(spec)
	t.tags()
	t.checkAnswer()
}

// group fills what belongs to the group as a whole.
func (t *translator) group() {
	spec := &t.pod.Spec
	t.req.RegionID = t.cfg.RegionID
	t.req.ZoneID = t.cfg.ZoneID
	t.req.VSwitchID = strings.Join(t.cfg.VSwitchIDs, ",")
	t.req.ScheduleStrategy = t.cfg.ScheduleStrategy
	t.req.SecurityGroupID = t.cfg.SecurityGroupID
	t.req.ResourceGroupID = t.cfg.ResourceGroupID
	t.req.ContainerGroupName = GroupName(t.pod.Namespace, t.pod.Name)
	t.req.RestartPolicy = string(spec.RestartPolicy)
	t.req.TerminationGracePeriodSeconds = gracePeriod(spec.TerminationGracePeriodSeconds)
	t.req.ActiveDeadlineSeconds = copyOf(spec.ActiveDeadlineSeconds)
	if isTrue(spec.ShareProcessNamespace) {
		t.req.ShareProcessNamespace = ptr.To(true)
	}
	if t.req.RestartPolicy == "" {
		t.req.RestartPolicy = string(corev1.RestartPolicyAlways)
	}
}

// gracePeriod bounds the time in seconds as the kubelet does: less than none is
// one, and the parameter has 32 bits.
func gracePeriod(seconds *int64) *int64 {
	switch {
	case seconds == nil:
		return nil
	case *seconds < 0:
		return ptr.To[int64](1)
	}
	return ptr.To(min(*seconds, math.MaxInt32))
}

// copyOf copies what p points to, so that the request shares nothing with the
// pod.
func copyOf[T any](p *T) *T {
	if p == nil {
		return nil
	}
	return ptr.To(*p)
}

// tags puts the identity, the tags of the node and those of the pod, which
// annotations have left in the request, in this order.
func (t *translator) tags() {
	own := t.req.Tags
	tags := IdentityFor(t.pod, t.cfg).Tags()
	for _, key := range sortedKeys(t.cfg.Tags) {
		tags = append(tags, eci.Tag{Key: key, Value: t.cfg.Tags[key]})
	}
	t.req.Tags = tags
	for _, tag := range own {
		t.putTag(tag)
	}
	if len(t.req.Tags) > eci.MaxTags {
		t.refusals = append(t.refusals, field.TooMany(annotationPath(keyCustomTags), len(t.req.Tags), eci.MaxTags))
	}
}

// putTag adds a tag; the pod beats the node.
func (t *translator) putTag(tag eci.Tag) {
	for i := range t.req.Tags {
		if t.req.Tags[i].Key == tag.Key {
			t.req.Tags[i].Value = tag.Value
			return
		}
	}
	t.req.Tags = append(t.req.Tags, tag)
}
