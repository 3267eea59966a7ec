package request

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/eci-vnode/eci-vnode/eci"
)

// sysctls puts each into the list of the request that ECI wants it in.
// Source: SDK documentation of SecurityContext and HostSecurityContext.
func (t *translator) sysctls(sysctls []corev1.Sysctl, path *field.Path) {
	for i, sysctl := range sysctls {
		entry := eci.NameValue{Name: strings.ReplaceAll(sysctl.Name, "/", "."), Value: sysctl.Value}
		switch {
		case isSafeSysctl(entry.Name):
			t.req.SecurityContext.Sysctls = append(t.req.SecurityContext.Sysctls, entry)
		case isHostSysctl(entry.Name):
			t.req.HostSecurityContext.Sysctls = append(t.req.HostSecurityContext.Sysctls, entry)
		default:
			t.refuse(path.Index(i).Child("name"), "ECI does not set "+sysctl.Name+": it sets kernel.shm*, kernel.msg*, kernel.sem, fs.mqueue.* and net.*")
		}
	}
}

func isSafeSysctl(name string) bool {
	return name == "net.ipv4.ping_group_range" || name == "net.ipv4.ip_unprivileged_port_start"
}

func isHostSysctl(name string) bool {
	if name == "kernel.shm_rmid_forced" {
		return false
	}
	for _, prefix := range []string{"kernel.shm", "kernel.msg", "fs.mqueue.", "net."} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return name == "kernel.sem"
}
