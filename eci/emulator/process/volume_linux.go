package process

import (
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/eci-vnode/eci-vnode/eci"
)

// makeVolumes makes a directory for each volume. Each goes under a name of
// ours: that of the request is no file name.
func (g *group) makeVolumes() error {
	for i := range g.request.Volumes {
		if err := g.makeVolume(i); err != nil {
			return fmt.Errorf("volume %s: %w", g.request.Volumes[i].Name, err)
		}
	}
	return nil
}

func (g *group) volumeDir(i int) string { return g.path("volumes", strconv.Itoa(i)) }

func (g *group) makeVolume(i int) error {
	v := &g.request.Volumes[i]
	dir := g.volumeDir(i)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	switch v.Type {
	case eci.VolumeConfigFile:
		return writeConfigFiles(dir, v.ConfigFileVolume)
	case eci.VolumeEmptyDir:
	default:
		g.notices = append(g.notices, notice{eventWarning, "VolumeStandIn",
			fmt.Sprintf("There is no %s on this machine: an empty directory stands in for volume %s", v.Type, v.Name)})
	}
	return os.Chmod(dir, 0o777) // whatever the umask
}

// memoryVolumes are the volumes in memory. Their directories become mounts of
// the group's namespace only.
func (g *group) memoryVolumes() []tmpfs {
	var found []tmpfs
	for i, v := range g.request.Volumes {
		if v.Type == eci.VolumeEmptyDir && v.EmptyDirVolume != nil && strings.EqualFold(v.EmptyDirVolume.Medium, "Memory") {
			found = append(found, tmpfs{Path: g.volumeDir(i), Size: parseBytes(v.EmptyDirVolume.SizeLimit)})
		}
	}
	return found
}

func writeConfigFiles(dir string, v *eci.ConfigFileVolume) error {
	fallback := v.DefaultMode
	if fallback == 0 {
		fallback = 644
	}
	for _, file := range v.Files {
		content, err := base64.StdEncoding.DecodeString(file.Content.Reveal())
		if err != nil {
			return fmt.Errorf("the content of %s is not BASE64: %w", file.Path, err)
		}
		mode := file.Mode
		if mode == 0 {
			mode = fallback
		}
		if err := writeConfigFile(filepath.Join(dir, filepath.Clean("/"+file.Path)), content, mode); err != nil {
			return err
		}
	}
	return nil
}

func writeConfigFile(path string, content []byte, mode eci.OctalMode) error {
	perm, err := strconv.ParseUint(mode.String(), 8, 12)
	if err != nil {
		return fmt.Errorf("mode %s is not octal: %w", mode, err)
	}
	return errors.Join(
		os.MkdirAll(filepath.Dir(path), 0o755),
		os.WriteFile(path, content, 0o600),
		os.Chmod(path, os.FileMode(perm)),
	)
}

// mountsOf are the mounts of a container, in the order of the request.
func (g *group) mountsOf(spec *eci.Container) ([]bind, error) {
	var mounts []bind
	for _, m := range spec.VolumeMounts {
		i := g.volumeIndex(m.Name)
		if i < 0 {
			return nil, fmt.Errorf("the group has no volume %q", m.Name)
		}
		readOnly := m.ReadOnly != nil && *m.ReadOnly || g.request.Volumes[i].Type == eci.VolumeConfigFile
		mounts = append(mounts, bind{
			Source: g.volumeDir(i), SubPath: m.SubPath, Target: m.MountPath, ReadOnly: readOnly,
			Create: g.request.Volumes[i].Type != eci.VolumeConfigFile,
		})
	}
	return mounts, nil
}

func (g *group) volumeIndex(name string) int {
	for i := range g.request.Volumes {
		if g.request.Volumes[i].Name == name {
			return i
		}
	}
	return -1
}

// parseBytes reads a quantity such as 256Mi; what it cannot read is 0.
func parseBytes(text string) int64 {
	digits := strings.TrimRight(text, "KMGTPikmgtp")
	factor, known := map[string]float64{
		"": 1, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12,
		"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40,
	}[text[len(digits):]]
	number, err := strconv.ParseFloat(digits, 64)
	if err != nil || !known {
		return 0
	}
	return int64(number * factor)
}
