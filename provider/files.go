package provider

import (
	"hash/fnv"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/eci-vnode/eci-vnode/eci"
)

// sumsOf sums up the files of each config volume, tokens left out: they differ
// each time. The sums stay in memory only; they are of Secrets too.
func sumsOf(pod *corev1.Pod, volumes []eci.Volume) map[string]uint64 {
	sums := map[string]uint64{}
	for _, v := range volumes {
		if v.ConfigFileVolume == nil {
			continue
		}
		var files []eci.GroupConfigFile
		for _, f := range v.ConfigFileVolume.Files {
			files = append(files, eci.GroupConfigFile{Path: f.Path, Content: f.Content.Reveal()})
		}
		sums[v.Name] = sumOf(pod, v.Name, files)
	}
	return sums
}

// shownSums is sumsOf for what the cloud shows of a group; a volume that shows no
// content is left out.
func shownSums(pod *corev1.Pod, volumes []eci.GroupVolume) map[string]uint64 {
	sums := map[string]uint64{}
	for _, v := range volumes {
		hidden := !slices.ContainsFunc(v.ConfigFiles, func(f eci.GroupConfigFile) bool { return f.Content != "" })
		if !hidden {
			sums[v.Name] = sumOf(pod, v.Name, v.ConfigFiles)
		}
	}
	return sums
}

func sumOf(pod *corev1.Pod, volume string, files []eci.GroupConfigFile) uint64 {
	tokens := tokenPaths(pod, volume)
	slices.SortFunc(files, func(a, b eci.GroupConfigFile) int { return strings.Compare(a.Path, b.Path) })
	sum := fnv.New64a()
	for _, f := range files {
		if !slices.Contains(tokens, path.Clean(f.Path)) {
			io.WriteString(sum, f.Path+"\x00"+f.Content+"\x00")
		}
	}
	return sum.Sum64()
}

func hasToken(pod *corev1.Pod, volume string) bool { return len(tokenPaths(pod, volume)) > 0 }

// timeOf reads a time of the cloud; what is no time is zero.
func timeOf(text string) time.Time {
	at, _ := time.Parse(time.RFC3339, text)
	return at
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
