package request

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	"github.com/eci-vnode/eci-vnode/eci"
)

// security is what holds for one container after the pod's settings were merged
// in, with the path of the setting that counted.
type security struct {
	runAsUser, runAsGroup     *int64
	runAsNonRoot              *bool
	groupPath, nonRootPath    *field.Path
	readOnlyRoot, privileged  bool
	add                       []string
	seccompPath, appArmorPath *field.Path
	seccomp                   *corev1.SeccompProfile
	appArmor                  *corev1.AppArmorProfile
	drops, escalation         *field.Path
}

// podSecurity refuses what the pod as a whole cannot have. What containers
// inherit is looked at with them.
func (t *translator) podSecurity(path *field.Path) {
	context := t.pod.Spec.SecurityContext
	if context == nil {
		return
	}
	t.check(kindPodSecurity, context, path)
	t.sysctls(context.Sysctls, path.Child("sysctls"))
	if context.FSGroup != nil {
		t.fsGroup(path.Child("fsGroup"))
	}
}

// fsGroup can be left out where files are open to everybody, which is so for
// emptyDir, and for NFS, whose owner the kubelet does not change either. A file
// that only its group may read would be lost to the container.
func (t *translator) fsGroup(path *field.Path) {
	spec := field.NewPath("spec", "volumes")
	for i, v := range t.pod.Spec.Volumes {
		for _, mode := range modesOf(v) {
			if *mode&0o004 == 0 {
				t.refuse(path, "ECI has no owner group for volumes, and the files of "+spec.Index(i).String()+
					" are closed to others: give them mode 0444")
				return
			}
		}
	}
	why := "ECI has no owner group for volumes; files of config volumes are readable by everybody"
	for _, v := range t.pod.Spec.Volumes {
		if v.PersistentVolumeClaim != nil || v.Ephemeral != nil || v.CSI != nil || v.FlexVolume != nil {
			why += "; volume " + v.Name + " keeps its owner: where that is root and the containers are not, let an init container chown it"
		}
	}
	t.harden(path, why)
}

// modesOf returns the modes that a volume gives its files.
func modesOf(v corev1.Volume) []*int32 {
	var modes []*int32
	add := func(mode *int32, items []corev1.KeyToPath) {
		modes = append(modes, mode)
		for _, item := range items {
			modes = append(modes, item.Mode)
		}
	}
	switch {
	case v.ConfigMap != nil:
		add(v.ConfigMap.DefaultMode, v.ConfigMap.Items)
	case v.Secret != nil:
		add(v.Secret.DefaultMode, v.Secret.Items)
	case v.DownwardAPI != nil:
		add(v.DownwardAPI.DefaultMode, nil)
	case v.Projected != nil:
		add(v.Projected.DefaultMode, nil)
		for _, source := range v.Projected.Sources {
			if source.ConfigMap != nil {
				add(nil, source.ConfigMap.Items)
			}
			if source.Secret != nil {
				add(nil, source.Secret.Items)
			}
		}
	}
	return slices.DeleteFunc(modes, func(mode *int32) bool { return mode == nil })
}

// mergeSecurity is what counts for a container: its own setting, else the
// pod's. kind tells app from init containers.
func (t *translator) mergeSecurity(c corev1.Container, kind string, path *field.Path) security {
	path = path.Child("securityContext")
	var s security
	if pod := t.pod.Spec.SecurityContext; pod != nil {
		at := field.NewPath("spec", "securityContext")
		s.runAsUser, s.runAsGroup, s.groupPath = pod.RunAsUser, pod.RunAsGroup, at.Child("runAsGroup")
		s.runAsNonRoot, s.nonRootPath = pod.RunAsNonRoot, at.Child("runAsNonRoot")
		s.seccomp, s.seccompPath = pod.SeccompProfile, at.Child("seccompProfile")
		s.appArmor, s.appArmorPath = pod.AppArmorProfile, at.Child("appArmorProfile")
	}
	own := c.SecurityContext
	if own == nil {
		return s
	}
	t.check(kind, own, path)
	if own.RunAsUser != nil {
		s.runAsUser = own.RunAsUser
	}
	if own.RunAsGroup != nil {
		s.runAsGroup, s.groupPath = own.RunAsGroup, path.Child("runAsGroup")
	}
	if own.RunAsNonRoot != nil {
		s.runAsNonRoot, s.nonRootPath = own.RunAsNonRoot, path.Child("runAsNonRoot")
	}
	if own.SeccompProfile != nil {
		s.seccomp, s.seccompPath = own.SeccompProfile, path.Child("seccompProfile")
	}
	if own.AppArmorProfile != nil {
		s.appArmor, s.appArmorPath = own.AppArmorProfile, path.Child("appArmorProfile")
	}
	if own.AllowPrivilegeEscalation != nil && !*own.AllowPrivilegeEscalation {
		s.escalation = path.Child("allowPrivilegeEscalation")
	}
	s.readOnlyRoot, s.privileged = isTrue(own.ReadOnlyRootFilesystem), isTrue(own.Privileged)
	if own.Capabilities != nil {
		s.add = t.capabilities(*own.Capabilities, path.Child("capabilities"))
		if len(own.Capabilities.Drop) > 0 {
			s.drops = path.Child("capabilities", "drop")
		}
	}
	return s
}

// setSecurity fills what both kinds of containers have and reports what ECI
// cannot restrict.
func (t *translator) setSecurity(s security, out *eci.ContainerBase) {
	out.SecurityContext.RunAsUser = copyOf(s.runAsUser)
	out.SecurityContext.Capability.Add = s.add
	if s.readOnlyRoot {
		out.SecurityContext.ReadOnlyRootFilesystem = ptr.To(true)
	}
	if s.drops != nil {
		t.harden(s.drops, "ECI cannot take capabilities away")
	}
	if s.escalation != nil {
		t.harden(s.escalation, "ECI cannot forbid it")
	}
	t.profiles(s)
}

// profiles knows two kinds of profile: none, and the one of the runtime.
func (t *translator) profiles(s security) {
	if p := s.seccomp; p != nil {
		switch p.Type {
		case corev1.SeccompProfileTypeUnconfined:
		case corev1.SeccompProfileTypeRuntimeDefault:
			t.harden(s.seccompPath, "ECI has no parameter for it")
		default:
			t.refuse(s.seccompPath, "ECI has no profiles of yours: use RuntimeDefault")
		}
	}
	if p := s.appArmor; p != nil {
		switch p.Type {
		case corev1.AppArmorProfileTypeUnconfined:
		case corev1.AppArmorProfileTypeRuntimeDefault:
			t.harden(s.appArmorPath, "ECI has no parameter for it")
		default:
			t.refuse(s.appArmorPath, "ECI has no profiles of yours: use RuntimeDefault")
		}
	}
}

// setAppSecurity fills what only app containers have.
func (t *translator) setAppSecurity(s security, out *eci.Container) {
	out.SecurityContextRunAsGroup = copyOf(s.runAsGroup)
	out.SecurityContextRunAsNonRoot = copyOf(s.runAsNonRoot)
	if s.privileged {
		out.SecurityContextPrivileged = ptr.To(true)
	}
}

// checkInitSecurity refuses what an init container has no parameter for.
// runAsNonRoot is met when the user is given and is not root.
func (t *translator) checkInitSecurity(s security, container string) {
	if s.runAsGroup != nil {
		t.refuse(s.groupPath, "ECI has no runAsGroup for init containers, such as "+container)
	}
	if isTrue(s.runAsNonRoot) && (s.runAsUser == nil || *s.runAsUser == 0) {
		t.refuse(s.nonRootPath, "ECI cannot check init containers, such as "+container+": set runAsUser as well")
	}
}

// capabilities returns those to ask for. Those that every container has are
// there already.
func (t *translator) capabilities(c corev1.Capabilities, path *field.Path) []string {
	var add []string
	for i, capability := range c.Add {
		switch {
		case capability == "NET_ADMIN" || capability == "NET_RAW":
			add = append(add, string(capability))
		case !slices.Contains(runtimeCapabilities(), capability):
			t.refuse(path.Child("add").Index(i), "ECI adds NET_ADMIN, and NET_RAW where the account has it: leave it out, or use privileged where the account may")
		}
	}
	return add
}

// runtimeCapabilities are what containerd gives a container that asks for none.
func runtimeCapabilities() []corev1.Capability {
	return []corev1.Capability{"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD",
		"NET_BIND_SERVICE", "NET_RAW", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"}
}
