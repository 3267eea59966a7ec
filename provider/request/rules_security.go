package request

import corev1 "k8s.io/api/core/v1"

const (
	noSELinux = "ECI has no SELinux: leave it out"
	noWindows = "ECI groups of this node run Linux: leave it out"
)

// securityRules are the rows of the security contexts. What only restricts a
// container further is a matter of Config.Hardening and counts as translated.
func securityRules() []Rule {
	return join(
		translated(kindSecurity, "capabilities", "privileged", "runAsUser", "runAsGroup", "runAsNonRoot",
			"readOnlyRootFilesystem", "allowPrivilegeEscalation", "seccompProfile", "appArmorProfile"),
		refused(kindSecurity, noSELinux, "seLinuxOptions"), refused(kindSecurity, noWindows, "windowsOptions"),
		unless(is(corev1.DefaultProcMount), refused(kindSecurity, "ECI masks /proc as usual: leave it out", "procMount")),

		translated(kindInitSecurity, "capabilities", "runAsUser", "runAsGroup", "runAsNonRoot",
			"readOnlyRootFilesystem", "allowPrivilegeEscalation", "seccompProfile", "appArmorProfile"),
		unless(is(false), refused(kindInitSecurity, "ECI has no privileged init containers: do it in an app container", "privileged")),
		refused(kindInitSecurity, noSELinux, "seLinuxOptions"), refused(kindInitSecurity, noWindows, "windowsOptions"),
		unless(is(corev1.DefaultProcMount), refused(kindInitSecurity, "ECI masks /proc as usual: leave it out", "procMount")),

		translated(kindPodSecurity, "runAsUser", "runAsGroup", "runAsNonRoot", "fsGroup", "sysctls",
			"seccompProfile", "appArmorProfile"),
		kept(kindPodSecurity, "says how fsGroup is applied, see there", "fsGroupChangePolicy"),
		refused(kindPodSecurity, noSELinux, "seLinuxOptions", "seLinuxChangePolicy"), refused(kindPodSecurity, noWindows, "windowsOptions"),
		refused(kindPodSecurity, "ECI has no parameter for additional groups; set runAsGroup", "supplementalGroups"),
		unless(is(corev1.SupplementalGroupsPolicyMerge), refused(kindPodSecurity,
			"ECI takes the groups that the image names as well: use Merge", "supplementalGroupsPolicy")),
	)
}
