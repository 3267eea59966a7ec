package request

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// showsEIP says whether a file or a variable of the pod shows the annotations
// that tell its public address. A group takes both from its making on: changing
// them later would restart its containers, so that the address must be known
// before.
func showsEIP(pod *corev1.Pod) bool {
	for _, v := range pod.Spec.Volumes {
		if v.DownwardAPI != nil && anyItemShowsEIP(v.DownwardAPI.Items) {
			return true
		}
		if v.Projected == nil {
			continue
		}
		for _, source := range v.Projected.Sources {
			if source.DownwardAPI != nil && anyItemShowsEIP(source.DownwardAPI.Items) {
				return true
			}
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

func anyItemShowsEIP(items []corev1.DownwardAPIVolumeFile) bool {
	for _, item := range items {
		if fieldShowsEIP(item.FieldRef) {
			return true
		}
	}
	return false
}

func fieldShowsEIP(ref *corev1.ObjectFieldSelector) bool {
	if ref == nil {
		return false
	}
	name, key, single := subscript(ref.FieldPath)
	if !single {
		return ref.FieldPath == "metadata.annotations"
	}
	prefix, output, _ := strings.Cut(key, "/")
	ours := prefix+"/" == annotationPrefix || prefix+"/" == networkPrefix
	return name == "metadata.annotations" && ours && strings.HasPrefix(output, "allocated-eip")
}
