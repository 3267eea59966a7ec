package request

import (
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/eci-vnode/eci-vnode/eci"
)

// dynamicDisk is what eci-set-diskvolume makes of a volume; size is in GiB.
type dynamicDisk struct {
	fsType string
	size   int
}

// applyDiskVolume reads volume:fstype:size, comma separated.
func applyDiskVolume(t *translator, path *field.Path, value string) {
	items := splitList(value)
	if t.checkCount(path, len(items), maxVolumes); len(items) > maxVolumes {
		return
	}
	for _, item := range items {
		parts := strings.Split(item, ":")
		if len(parts) != 3 {
			t.invalid(path, item, "must be volume:fstype:size, such as cache-volume:ext4:500Gi")
			continue
		}
		size, err := strconv.Atoi(strings.TrimSuffix(parts[2], "Gi"))
		if err != nil || size < minDisk || size > maxDisk {
			t.invalid(path, item, "a disk has 20Gi to 32768Gi")
		}
		v, found := t.volumeNamed(parts[0])
		if !found || v.EmptyDir == nil && v.HostPath == nil {
			t.invalid(path, item, "the pod has no emptyDir or hostPath volume of this name")
		}
		t.disks[parts[0]] = dynamicDisk{fsType: parts[1], size: size}
	}
}

func (t *translator) isDisk(v corev1.Volume) bool {
	_, ok := t.disks[v.Name]
	return ok
}

// dynamicDisk makes a disk that ends with the group, as an emptyDir does.
func (t *translator) dynamicDisk(v corev1.Volume, path *field.Path, out *eci.Volume) {
	disk := t.disks[v.Name]
	options := map[string]string{"volumeSize": strconv.Itoa(disk.size), "deleteWithInstance": "true"}
	t.putFlex(flex{driver: flexDisk, fsType: disk.fsType, options: options, trusted: true}, path, out)
}
