package request

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/eci-vnode/eci-vnode/eci"
)

// Drivers of FlexVolume, and the CSI drivers that mount the same.
const (
	flexDisk = "alicloud/disk"
	flexNAS  = "alicloud/nas"
	flexOSS  = "alicloud/oss"

	csiDisk = "diskplugin.csi.alibabacloud.com"
	csiNAS  = "nasplugin.csi.alibabacloud.com"
	csiOSS  = "ossplugin.csi.alibabacloud.com"
)

// Sizes of a disk in GiB. Source: OpenAPI metadata.
const (
	minDisk = 20
	maxDisk = 32768
)

// flexRule is what a driver of FlexVolume takes.
type flexRule struct {
	needs []string
	// also are the options that it may have besides.
	also []string
}

// flexRules are the options by driver. Source: OpenAPI metadata for disks, and
// the options of the drivers of the same name for the others.
func flexRules() map[string]flexRule {
	return map[string]flexRule{
		flexDisk: {also: []string{"volumeId", "volumeSize", "performanceLevel", "deleteWithInstance", "encrypted", "kmsKeyId"}},
		flexNAS:  {needs: []string{"server", "path"}, also: []string{"vers", "options", "mode", "mountProtocol"}},
		flexOSS:  {needs: []string{"bucket", "url"}, also: []string{"path", "otherOpts", "akId", "akSecret", "ramRole"}},
	}
}

// flex is a volume on its way to a FlexVolume.
type flex struct {
	driver, fsType string
	options        map[string]string
	// trusted says that an administrator, or this program, has chosen the options:
	// those of a pod need permission.
	trusted bool
}

// putFlex makes the volume; at is the field that an option problem belongs to.
func (t *translator) putFlex(f flex, at *field.Path, out *eci.Volume) {
	rule, known := flexRules()[f.driver]
	if !known {
		t.refusals = append(t.refusals, field.NotSupported(at, f.driver, sortedKeys(flexRules())))
		return
	}
	for _, key := range sortedKeys(f.options) {
		if !slices.Contains(rule.needs, key) && !slices.Contains(rule.also, key) {
			t.refuse(at, f.driver+" has no option "+key+": it has "+strings.Join(append(rule.needs, rule.also...), ", "))
		}
	}
	for _, key := range rule.needs {
		if f.options[key] == "" {
			t.refuse(at, f.driver+" needs the option "+key)
		}
	}
	if f.driver == flexDisk {
		t.checkDisk(f, at)
	}
	if !f.trusted {
		t.permitFlex(f, at)
	}
	text, err := json.Marshal(f.options)
	if err != nil {
		t.refuse(at, "the options are no text")
	}
	out.Type = eci.VolumeFlex
	out.FlexVolume = &eci.FlexVolume{Driver: f.driver, FSType: f.fsType, Options: eci.Secret(text)}
}

// checkDisk wants a disk that exists, or the size of a new one.
func (t *translator) checkDisk(f flex, at *field.Path) {
	size, given := f.options["volumeSize"]
	if !given && f.options["volumeId"] == "" {
		t.refuse(at, "a disk needs the option volumeId, or volumeSize for a new one")
	}
	if n, err := strconv.Atoi(size); given && (err != nil || n < minDisk || n > maxDisk) {
		t.refuse(at, "volumeSize "+size+" is not from 20 to 32768, in GiB")
	}
}

func (t *translator) flexVolumeSource(v corev1.Volume, path *field.Path, out *eci.Volume) {
	s := v.FlexVolume
	t.check(kindFlexVolume, s, path)
	t.readOnly[v.Name] = s.ReadOnly
	options := copyMap(s.Options)
	if s.SecretRef != nil {
		if secret, ok := t.secret(s.SecretRef.Name, false, path.Child("secretRef", "name")); ok {
			addSecret(options, secret)
		}
	}
	at := path.Child("driver")
	if len(s.Options) > 0 {
		at = path.Child("options")
	}
	if _, known := flexRules()[s.Driver]; !known {
		at = path.Child("driver")
	}
	t.putFlex(flex{driver: s.Driver, fsType: s.FSType, options: options}, at, out)
}

func (t *translator) csiVolume(v corev1.Volume, path *field.Path, out *eci.Volume) {
	s := v.CSI
	t.check(kindCSIVolume, s, path)
	t.readOnly[v.Name] = isTrue(s.ReadOnly)
	source := csiSource{driver: s.Driver, attributes: s.VolumeAttributes}
	if s.FSType != nil {
		source.fsType = *s.FSType
	}
	if s.NodePublishSecretRef != nil {
		source.secret, _ = t.secret(s.NodePublishSecretRef.Name, false, path.Child("nodePublishSecretRef", "name"))
	}
	at := path.Child("driver")
	if isAlibabaCSI(s.Driver) && len(s.VolumeAttributes) > 0 {
		at = path.Child("volumeAttributes")
	}
	t.putCSI(source, at, out)
}

func isAlibabaCSI(driver string) bool {
	return driver == csiDisk || driver == csiNAS || driver == csiOSS
}

// csiSource is a CSI volume, inline or of a PersistentVolume.
type csiSource struct {
	driver, handle, fsType string
	attributes             map[string]string
	mountOptions           []string
	secret                 *corev1.Secret
	// trusted is that of flex.
	trusted bool
}

// putCSI makes a FlexVolume of the same mount.
func (t *translator) putCSI(s csiSource, at *field.Path, out *eci.Volume) {
	options := map[string]string{}
	for key, value := range s.attributes {
		if !strings.HasPrefix(key, "storage.kubernetes.io/") && !strings.HasPrefix(key, "csi.storage.k8s.io/") {
			options[key] = value
		}
	}
	if s.secret != nil {
		addSecret(options, s.secret)
	}
	switch s.driver {
	case csiDisk:
		t.putFlex(flex{driver: flexDisk, fsType: s.fsType, trusted: s.trusted, options: t.diskOptions(s, options, at)}, at, out)
	case csiNAS:
		t.putFlex(flex{driver: flexNAS, trusted: s.trusted, options: t.nasOptions(s, options, at)}, at, out)
	case csiOSS:
		t.putFlex(flex{driver: flexOSS, trusted: s.trusted, options: ossOptions(s, options)}, at, out)
	default:
		t.refuse(at, "ECI mounts nothing by CSI driver "+s.driver+": use "+csiDisk+", "+csiNAS+" or "+csiOSS)
	}
}

// diskOptions names the disk that the driver has made; how it was made is of no
// matter then. A new one ends with the pod.
func (t *translator) diskOptions(s csiSource, options map[string]string, at *field.Path) map[string]string {
	if len(s.mountOptions) > 0 {
		t.refuse(at, "ECI has no mountOptions for disks: leave them out")
	}
	if s.handle != "" {
		return map[string]string{"volumeId": s.handle}
	}
	rename(options, "size", "volumeSize")
	options["volumeSize"] = strings.TrimSuffix(options["volumeSize"], "Gi")
	if options["volumeSize"] == "" {
		delete(options, "volumeSize")
	} else if options["deleteWithInstance"] == "" {
		options["deleteWithInstance"] = "true"
	}
	return options
}

// nasOptions splits the version off the mount options, as the driver does.
func (t *translator) nasOptions(s csiSource, options map[string]string, at *field.Path) map[string]string {
	if protocol := options["mountProtocol"]; protocol != "" && protocol != "nfs" {
		t.refuse(at, "ECI mounts NAS by nfs, not by "+protocol)
	}
	delete(options, "mountProtocol")
	if options["volumeAs"] == "subpath" || options["volumeAs"] == "sharepath" {
		delete(options, "volumeAs") // how the path was made; it is there now
	}
	addMountOptions(options, s.mountOptions)
	return options
}

func addMountOptions(options map[string]string, given []string) {
	var rest []string
	for _, option := range splitList(strings.Join(given, ",")) {
		if version, ok := cutAny(option, "vers=", "nfsvers="); ok {
			options["vers"] = version
			continue
		}
		rest = append(rest, option)
	}
	if len(rest) > 0 {
		options["options"] = strings.Join(rest, ",")
	}
}

func cutAny(text string, prefixes ...string) (string, bool) {
	for _, prefix := range prefixes {
		if rest, ok := strings.CutPrefix(text, prefix); ok {
			return rest, true
		}
	}
	return text, false
}

func ossOptions(s csiSource, options map[string]string) map[string]string {
	delete(options, "useSharedPath") // says how the driver shares its own mounts
	if len(s.mountOptions) > 0 {
		options["otherOpts"] = strings.TrimSpace(options["otherOpts"] + " -o " + strings.Join(s.mountOptions, " -o "))
	}
	return options
}

func rename(options map[string]string, from, to string) {
	if value, ok := options[from]; ok {
		options[to] = value
		delete(options, from)
	}
}

func copyMap(m map[string]string) map[string]string {
	out := make(map[string]string, len(m))
	for key, value := range m {
		out[key] = value
	}
	return out
}

// addSecret takes the access key out of a Secret; the drivers read nothing else
// in it, and no message of ours can then show what is in it.
func addSecret(options map[string]string, secret *corev1.Secret) {
	for _, key := range []string{"akId", "akSecret"} {
		if value, ok := secret.Data[key]; ok {
			options[key] = string(value)
		}
	}
}
