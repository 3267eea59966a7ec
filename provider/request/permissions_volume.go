package request

import (
	"regexp"
	"slices"
	"strings"
	"unicode"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// optionPermissions are the options of the drivers that name a resource of the
// account. deleteWithInstance and otherOpts are looked at for themselves.
func optionPermissions(driver string) map[string]Resource {
	return map[string]map[string]Resource{
		flexDisk: {"volumeId": Disks, "kmsKeyId": KMSKeys},
		flexNAS:  {"server": FileSystems},
		flexOSS:  {"bucket": Buckets, "ramRole": RAMRoles},
	}[driver]
}

// permitFlex refuses the options that the pod may not give. at is the field that
// holds them.
func (t *translator) permitFlex(f flex, at *field.Path) {
	permissions := optionPermissions(f.driver)
	for _, key := range sortedKeys(permissions) {
		t.permit(permissions[key], at.Key(key), f.options[key])
	}
	const ends = "deleteWithInstance"
	id, given := f.options["volumeId"], f.options[ends]
	if f.driver == flexDisk && id != "" && given != "" && !strings.EqualFold(given, "false") {
		t.permit(DisksDeleted, at.Key(ends), id)
	}
	switch f.driver {
	case flexOSS:
		roles, clear := rolesIn(f.options["otherOpts"])
		for _, role := range roles {
			t.permit(RAMRoles, at.Key("otherOpts"), role)
		}
		if !clear {
			t.permitAny(RAMRoles, at.Key("otherOpts"), "by options that are not clear to read (write ram_role=NAME)")
		}
	case flexNAS:
		for _, server := range serversIn(f.options["options"]) {
			t.permit(FileSystems, at.Key("options"), server)
		}
	}
}

// metadataRoles is where the credentials of a role are, as ossfs is told it.
const metadataRoles = "http://100.100.100.200/latest/meta-data/ram/security-credentials/"

// plainRole matches the name of a RAM role. Source: API reference of RAM, CreateRole.
var plainRole = regexp.MustCompile(`^[A-Za-z0-9.@_-]+$`)

// rolesIn returns the roles that the free options of ossfs name, such as
// -o ram_role=http://100.100.100.200/latest/meta-data/ram/security-credentials/NAME, and
// whether every word that speaks of a role was understood. How ossfs takes its options
// apart is not ours to imitate: only what can be read in one way is.
func rolesIn(options string) (roles []string, clear bool) {
	clear = !strings.ContainsFunc(options, func(r rune) bool { return !isOption(r) })
	for _, word := range strings.FieldsFunc(options, func(r rune) bool { return unicode.IsSpace(r) || r == ',' }) {
		name, value, _ := strings.Cut(word, "=")
		switch lower := strings.ToLower(word); {
		case strings.Contains(lower, "credential_process"), strings.Contains(lower, "passwd_file"):
			clear = false
			continue
		case !strings.Contains(lower, "role"):
			continue
		}
		role := strings.TrimPrefix(value, metadataRoles)
		if !strings.HasSuffix(strings.ToLower(name), "ram_role") || !plainRole.MatchString(role) {
			clear = false
			continue
		}
		roles = append(roles, role)
	}
	return roles, clear
}

// isOption reports whether a character stands for itself in options, whoever reads them:
// not so quotes, and what a shell knows.
func isOption(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(" \t\r\n,=_-+./:@%?#", r)
}

// serversIn returns the servers that the options of an NFS mount name in the place of
// the one of the volume. Source: nfs(5), addr and mountaddr.
func serversIn(options string) (servers []string) {
	for _, option := range strings.FieldsFunc(options, func(r rune) bool { return unicode.IsSpace(r) || r == ',' }) {
		if name, value, _ := strings.Cut(option, "="); strings.Contains(strings.ToLower(name), "addr") || strings.Contains(strings.ToLower(name), "host") {
			servers = append(servers, value)
		}
	}
	return servers
}

// permitLogs refuses the variables by which a container sends its logs to a
// project that the pod may not name. Source: product document "Use environment
// variables to collect logs".
func (t *translator) permitLogs(c corev1.Container, e *environment, at *field.Path) {
	for _, name := range e.order {
		lower := strings.ToLower(name)
		if !strings.HasPrefix(lower, "aliyun_logs_") || !strings.HasSuffix(lower, "_project") {
			continue
		}
		where := at.Child("envFrom")
		if i := slices.IndexFunc(c.Env, func(v corev1.EnvVar) bool { return v.Name == name }); i >= 0 {
			where = at.Child("env").Index(i)
		}
		switch v := e.values[name]; {
		case t.cfg.Permissions.Allows(t.pod.Namespace, LogProjects, strings.TrimSpace(v.text)):
		case v.secret: // its value is not to be shown
			t.refuse(where, t.notPermitted(LogProjects, "of a Secret"))
		default:
			t.permit(LogProjects, where, v.text)
		}
	}
}
