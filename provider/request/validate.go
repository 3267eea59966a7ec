package request

import (
	"math"
	"net/netip"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// checkPod refuses what the API server would not let through, for not every pod
// comes from one: explain reads files. ECI would refuse it too, but not by the
// path of the field.
func (t *translator) checkPod(spec *field.Path) {
	t.oneOf(spec.Child("restartPolicy"), t.req.RestartPolicy, "Always", "OnFailure", "Never")
	if d := t.pod.Spec.ActiveDeadlineSeconds; d != nil && (*d < 1 || *d > math.MaxInt32) {
		t.invalid(spec.Child("activeDeadlineSeconds"), *d, "must be from 1 to 2147483647")
	}
	for i, alias := range t.pod.Spec.HostAliases {
		if _, err := netip.ParseAddr(alias.IP); err != nil {
			t.invalid(spec.Child("hostAliases").Index(i).Child("ip"), alias.IP, "not an IP address")
		}
	}
	seen := map[string]bool{}
	for i, v := range t.pod.Spec.Volumes {
		t.checkName(v.Name, seen, spec.Child("volumes").Index(i).Child("name"))
	}
	if d := t.pod.Spec.DNSConfig; d != nil {
		for i, option := range d.Options {
			if option.Name == "" {
				t.refusals = append(t.refusals, field.Required(spec.Child("dnsConfig", "options").Index(i).Child("name"), ""))
			}
		}
	}
}

// checkNames wants the names of all containers to be labels, each used once.
func (t *translator) checkNames(spec *field.Path) {
	seen := map[string]bool{}
	for i, c := range t.pod.Spec.InitContainers {
		t.checkName(c.Name, seen, spec.Child("initContainers").Index(i).Child("name"))
	}
	for i, c := range t.pod.Spec.Containers {
		t.checkName(c.Name, seen, spec.Child("containers").Index(i).Child("name"))
	}
}

func (t *translator) checkName(name string, seen map[string]bool, path *field.Path) {
	if problems := validation.IsDNS1123Label(name); len(problems) > 0 {
		t.invalid(path, name, strings.Join(problems, "; "))
	}
	if seen[name] {
		t.refusals = append(t.refusals, field.Duplicate(path, name))
	}
	seen[name] = true
}

// checkEnums wants the texts of a container to be ones that exist.
func (t *translator) checkEnums(c corev1.Container, path *field.Path) {
	t.oneOf(path.Child("imagePullPolicy"), string(c.ImagePullPolicy), "Always", "IfNotPresent", "Never")
	t.oneOf(path.Child("terminationMessagePolicy"), string(c.TerminationMessagePolicy), "File", "FallbackToLogsOnError")
}

func (t *translator) checkMount(m corev1.VolumeMount, path *field.Path) {
	if m.MountPath == "" {
		t.refusals = append(t.refusals, field.Required(path.Child("mountPath"), ""))
	}
	if m.MountPropagation != nil {
		t.oneOf(path.Child("mountPropagation"), string(*m.MountPropagation), "None", "HostToContainer", "Bidirectional")
	}
}

// oneOf takes one of the values, or none.
func (t *translator) oneOf(path *field.Path, value string, values ...string) {
	if value == "" {
		return
	}
	for _, known := range values {
		if known == value {
			return
		}
	}
	t.refusals = append(t.refusals, field.NotSupported(path, value, values))
}
