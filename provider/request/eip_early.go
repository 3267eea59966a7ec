package request

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// showsEIP says whether a file or a variable of the pod shows the annotations
// that tell its public address. A group takes both from its making on: changing
// them later would restart its containers, so that the address must be known
// before.
func showsEIP(pod *corev1.Pod) bool {
	for _, v := range pod.Spec.Volumes {
		if slices.ContainsFunc(DownwardItems(v), func(item corev1.DownwardAPIVolumeFile) bool { return fieldShowsEIP(item.FieldRef) }) {
			return true
		}
	}
	for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for _, c := range list {
			for _, env := range c.Env {
				if env.ValueFrom != nil && fieldShowsEIP(env.ValueFrom.FieldRef) {
					return true
				}
			}
		}
	}
	return false
}

// DownwardItems are the files of a volume that show fields of the pod.
func DownwardItems(v corev1.Volume) []corev1.DownwardAPIVolumeFile {
	var items []corev1.DownwardAPIVolumeFile
	if v.DownwardAPI != nil {
		items = append(items, v.DownwardAPI.Items...)
	}
	if v.Projected != nil {
		for _, source := range v.Projected.Sources {
			if source.DownwardAPI != nil {
				items = append(items, source.DownwardAPI.Items...)
			}
		}
	}
	return items
}

// ShownAnnotation says whether the field shows annotations of the pod, and which
// one; "" is all.
func ShownAnnotation(ref *corev1.ObjectFieldSelector) (key string, shows bool) {
	const annotations = "metadata.annotations"
	if ref == nil {
		return "", false
	}
	if name, key, single := subscript(ref.FieldPath); single {
		return key, name == annotations
	}
	return "", ref.FieldPath == annotations
}

func fieldShowsEIP(ref *corev1.ObjectFieldSelector) bool {
	key, shows := ShownAnnotation(ref)
	prefix, output, _ := strings.Cut(key, "/")
	ours := prefix+"/" == annotationPrefix || prefix+"/" == networkPrefix
	return shows && (key == "" || ours && strings.HasPrefix(output, "allocated-eip"))
}

// annotationPodIPs is written on a pod once its group has an address.
const annotationPodIPs = annotationPrefix + "pod-ips"

// VolumesAwaited are the names of the volumes by which an init container waits
// for the annotation k8s.aliyun.com/pod-ips: they show it, and the command of the
// init container names it. What they show is not known before the group is made.
func VolumesAwaited(pod *corev1.Pod) []string {
	waits := func(c corev1.Container) bool {
		return slices.ContainsFunc(append(slices.Clone(c.Command), c.Args...), func(word string) bool { return strings.Contains(word, "pod-ips") })
	}
	if !slices.ContainsFunc(pod.Spec.InitContainers, waits) {
		return nil
	}
	var names []string
	for _, v := range pod.Spec.Volumes {
		if slices.ContainsFunc(DownwardItems(v), func(item corev1.DownwardAPIVolumeFile) bool {
			key, shows := ShownAnnotation(item.FieldRef)
			return shows && (key == "" || key == annotationPodIPs)
		}) {
			names = append(names, v.Name)
		}
	}
	return names
}
