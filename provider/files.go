package provider

import (
	"encoding/base64"
	"hash/fnv"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/provider/request"
)

// sums sums up the files of volumes, without what changes by itself: tokens, which
// differ each time, and the annotations that this node writes.
type sums struct {
	pod *corev1.Pod
	// unseen says whether a change of an annotation counts for nothing.
	unseen func(annotation string) bool
}

// of sums up the files of each config volume. The sums stay in memory only; they
// are of Secrets too.
func (s sums) of(volumes []eci.Volume) map[string]uint64 {
	sums := map[string]uint64{}
	for _, v := range volumes {
		if v.ConfigFileVolume == nil {
			continue
		}
		var files []eci.GroupConfigFile
		for _, f := range v.ConfigFileVolume.Files {
			files = append(files, eci.GroupConfigFile{Path: f.Path, Content: f.Content.Reveal()})
		}
		sums[v.Name] = s.sum(v.Name, files)
	}
	return sums
}

// shown is like of, for what the cloud shows of a group; a volume that shows no
// content is left out.
func (s sums) shown(volumes []eci.GroupVolume) map[string]uint64 {
	sums := map[string]uint64{}
	for _, v := range volumes {
		hidden := !slices.ContainsFunc(v.ConfigFiles, func(f eci.GroupConfigFile) bool { return f.Content != "" })
		if !hidden {
			sums[v.Name] = s.sum(v.Name, v.ConfigFiles)
		}
	}
	return sums
}

func (s sums) sum(volume string, files []eci.GroupConfigFile) uint64 {
	tokens, annotations := tokenPaths(s.pod, volume), annotationPaths(s.pod, volume)
	slices.SortFunc(files, func(a, b eci.GroupConfigFile) int { return strings.Compare(a.Path, b.Path) })
	sum := fnv.New64a()
	for _, f := range files {
		name := path.Clean(f.Path)
		if slices.Contains(tokens, name) {
			continue
		}
		content := f.Content
		if key, shows := annotations[name]; shows {
			content = s.withoutUnseen(key, content)
		}
		io.WriteString(sum, f.Path+"\x00"+content+"\x00")
	}
	return sum.Sum64()
}

// withoutUnseen leaves out of a file what counts for nothing: the file shows the
// annotation of that key, or with "" all of them, one on each line. Content is
// base64, as the cloud has it.
func (s sums) withoutUnseen(key, content string) string {
	if key != "" {
		if s.unseen(key) {
			return ""
		}
		return content
	}
	text, err := base64.StdEncoding.DecodeString(content)
	if err != nil {
		return content
	}
	lines := slices.DeleteFunc(strings.Split(string(text), "\n"), func(line string) bool {
		name, _, _ := strings.Cut(line, "=")
		return s.unseen(name)
	})
	return strings.Join(lines, "\n")
}

func hasToken(pod *corev1.Pod, volume string) bool { return len(tokenPaths(pod, volume)) > 0 }

// timeOf reads a time of the cloud; what is no time is zero.
func timeOf(text string) time.Time {
	at, _ := time.Parse(time.RFC3339, text)
	return at
}

// annotationPaths has the files of a volume that show annotations of the pod, with
// the key of the one that they show, or "" for all.
func annotationPaths(pod *corev1.Pod, volume string) map[string]string {
	paths := map[string]string{}
	for _, v := range pod.Spec.Volumes {
		if v.Name != volume {
			continue
		}
		for _, item := range request.DownwardItems(v) {
			if key, shows := request.ShownAnnotation(item.FieldRef); shows {
				paths[path.Clean(item.Path)] = key
			}
		}
	}
	return paths
}

// tokenPaths lists where in a volume the tokens are.
func tokenPaths(pod *corev1.Pod, volume string) []string {
	var paths []string
	for _, v := range pod.Spec.Volumes {
		if v.Name != volume || v.Projected == nil {
			continue
		}
		for _, source := range v.Projected.Sources {
			if token := source.ServiceAccountToken; token != nil {
				paths = append(paths, path.Clean(token.Path))
			}
		}
	}
	return paths
}
