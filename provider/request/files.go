package request

import (
	"fmt"
	"path"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/eci-vnode/eci-vnode/eci"
)

const (
	// defaultFileMode is that of Kubernetes, sent always because ECI's own is
	// not documented.
	defaultFileMode = 0o644
	// maxFiles is how many files a volume can have. Source: OpenAPI metadata.
	maxFiles = 89
)

// files gathers the files of one config volume.
type files struct {
	t      *translator
	path   *field.Path
	mode   int32
	order  []string
	byPath map[string]file
}

type file struct {
	content
	// mode is nil where that of the volume counts.
	mode *int32
	// kind, object and key say in messages where it is from; without a kind key is
	// the whole text.
	kind, object, key string
}

func (f file) source() string {
	if f.kind == "" {
		return f.key
	}
	return fmt.Sprintf("key %q of %s %q", f.key, f.kind, f.object)
}

func (t *translator) newFiles(path *field.Path, mode *int32) *files {
	f := &files{t: t, path: path, mode: defaultFileMode, byPath: map[string]file{}}
	if mode != nil {
		t.checkMode(*mode, path.Child("defaultMode"))
		f.mode = *mode
	}
	return f
}

// checkMode refuses mode 0, which the wire cannot tell from no mode.
func (t *translator) checkMode(mode int32, path *field.Path) {
	if mode <= 0 || mode > 0o777 {
		t.invalid(path, fmt.Sprintf("%#o", mode), "ECI takes modes from 01 to 0777")
	}
}

// put adds a file, or replaces the one at the same path.
func (f *files) put(name string, entry file, at *field.Path) {
	if problem := pathProblem(name); problem != "" {
		f.t.invalid(at, name, problem)
		return
	}
	name = path.Clean(name)
	if entry.mode != nil {
		f.t.checkMode(*entry.mode, at.Child("mode"))
	}
	if _, exists := f.byPath[name]; !exists {
		f.order = append(f.order, name)
	}
	f.byPath[name] = entry
}

// addConfigMap adds the files of a ConfigMap; at is the path of items.
func (f *files) addConfigMap(name string, items []corev1.KeyToPath, optional *bool, path, at *field.Path) {
	object, found := f.t.configMap(name, isTrue(optional), path)
	if !found {
		return
	}
	data := entries{texts: object.Data, bytes: object.BinaryData}
	f.addKeys(KindConfigMap, name, data, items, isTrue(optional), path, at)
}

// addSecret adds the files of a Secret, as addConfigMap.
func (f *files) addSecret(name string, items []corev1.KeyToPath, optional *bool, path, at *field.Path) {
	if object, found := f.t.secret(name, isTrue(optional), path); found {
		f.addKeys(KindSecret, name, entries{bytes: object.Data}, items, isTrue(optional), path, at)
	}
}

// addKeys takes all keys, or those of items.
func (f *files) addKeys(kind, name string, data entries, items []corev1.KeyToPath, optional bool, path, at *field.Path) {
	if n := data.count(); len(items) == 0 && n > maxFiles {
		f.t.refusals = append(f.t.refusals, field.TooMany(f.path, n, maxFiles))
		return
	}
	if len(items) == 0 {
		for _, key := range data.keys() {
			value, _ := data.get(key)
			f.put(key, file{content: value, kind: kind, object: name, key: key}, path)
		}
		return
	}
	for i, item := range items {
		value, ok := data.get(item.Key)
		if !ok {
			f.t.absent(Missing{Kind: kind, Name: name, Key: item.Key, Path: path.String()}, optional, path)
			continue
		}
		f.put(item.Path, file{content: value, mode: item.Mode, kind: kind, object: name, key: item.Key}, at.Index(i))
	}
}

func (f *files) addDownward(items []corev1.DownwardAPIVolumeFile, path *field.Path) {
	for i, item := range items {
		at := path.Child("items").Index(i)
		value, ok := f.t.downwardFile(item, at)
		if ok {
			f.put(item.Path, file{content: content{text: value}, mode: item.Mode, key: at.String()}, at)
		}
	}
}

func (f *files) addToken(p *corev1.ServiceAccountTokenProjection, path *field.Path) {
	key := tokenKey(p)
	token, ok := f.t.objects.Tokens[key]
	if !ok {
		f.t.missing = append(f.t.missing, Missing{Kind: KindToken, Name: key.String(), Path: path.String()})
		return
	}
	f.put(p.Path, file{content: content{text: token}, key: "token"}, path)
}

// finish makes the volume. One without a file is an empty directory: ECI may
// not take a config volume that has none.
func (f *files) finish(out *eci.Volume) {
	if !f.checkSizes() {
		return
	}
	if len(f.order) == 0 {
		out.Type, out.EmptyDirVolume = eci.VolumeEmptyDir, &eci.EmptyDirVolume{}
		return
	}
	volume := &eci.ConfigFileVolume{DefaultMode: eci.NewOctalMode(uint32(f.mode))}
	for _, at := range f.order {
		entry := f.byPath[at]
		wire := eci.ConfigFile{Path: at, Content: eci.Secret(entry.encoded())}
		if entry.mode != nil {
			wire.Mode = eci.NewOctalMode(uint32(*entry.mode))
		}
		volume.Files = append(volume.Files, wire)
	}
	out.Type, out.ConfigFileVolume = eci.VolumeConfigFile, volume
}

// checkSizes refuses what is too big for ECI, sizes named, before it is encoded.
func (f *files) checkSizes() bool {
	before := len(f.t.refusals)
	total := 0
	for _, at := range f.order {
		entry := f.byPath[at]
		n := entry.size()
		if total += n; n > eci.MaxConfigFile {
			f.t.refuse(f.path, fmt.Sprintf("%s has %d bytes; ECI takes %d in a file: use nfs, or fetch it in an init container",
				entry.source(), n, eci.MaxConfigFile))
		}
	}
	if total > eci.MaxConfigVolume {
		f.t.refuse(f.path, fmt.Sprintf("the files have %d bytes together; ECI takes %d in a volume: name the needed ones in items, or use nfs",
			total, eci.MaxConfigVolume))
	}
	if len(f.order) > maxFiles {
		f.t.refusals = append(f.t.refusals, field.TooMany(f.path, len(f.order), maxFiles))
	}
	return len(f.t.refusals) == before
}
