package request

import (
	"path"
	"slices"
	"strings"

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
	if f.driver == flexOSS {
		for _, role := range rolesIn(f.options["otherOpts"]) {
			t.permit(RAMRoles, at.Key("otherOpts"), role)
		}
	}
}

// rolesIn returns the roles that the free options of ossfs name, such as
// -o ram_role=http://100.100.100.200/latest/meta-data/ram/security-credentials/NAME.
func rolesIn(options string) []string {
	var roles []string
	for _, word := range strings.FieldsFunc(options, func(r rune) bool { return strings.ContainsRune(" \t\r\n,\"'", r) }) {
		if name, value, _ := strings.Cut(word, "="); strings.Contains(strings.ToLower(name), "role") {
			roles = append(roles, path.Base(value))
		}
	}
	return roles
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
