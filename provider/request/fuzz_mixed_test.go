package request

import (
	"encoding/json"
	"os"
	"strconv"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/eci-vnode/eci-vnode/eci"
	"github.com/eci-vnode/eci-vnode/fuzzbounds"
)

// seedCase is a golden pod with the objects beside it.
type seedCase struct {
	documents *documents
	pod       *corev1.Pod
}

func seedCases(f *testing.F) []seedCase {
	f.Helper()
	var all []seedCase
	for _, in := range append(mustGlob(f, "testdata/*.in.yaml"), mustGlob(f, "../../examples/*.yaml")...) {
		if info, err := os.Stat(in); err != nil || info.Size() > maxSeed {
			continue
		}
		documents := mustReadDocuments(f, in)
		if documents.config.MaxEnvValue == 0 {
			continue // the point of it is to pass the documented length
		}
		for _, pod := range documents.pods {
			all = append(all, seedCase{documents: documents, pod: pod})
		}
	}
	return all
}

// FuzzFromMixedPod mixes the parts of two good pods and changes one value in the
// result. Most of these translate, so that the cloud gets to see them.
func FuzzFromMixedPod(f *testing.F) {
	seeds := seedCases(f)
	for i := range seeds {
		f.Add(uint16(i), uint16(3*i+1), uint16(1<<(i%11)), uint16(i), "7")
	}
	cloud := newDryCloud(f)
	f.Fuzz(func(t *testing.T, first, second, parts, leaf uint16, value string) {
		a, b := seeds[int(first)%len(seeds)], seeds[int(second)%len(seeds)]
		if len(value) > maxSeed {
			t.Skip()
		}
		pod := changeLeaf(t, mix(a.pod.DeepCopy(), b.pod.DeepCopy(), parts), int(leaf), value)
		pod.UID = "uid" // the API server gives every pod one
		var req *eci.CreateContainerGroupRequest
		var err error
		objects := a.documents.objectsFor(pod)
		fuzzbounds.Check(t, func() { req, err = FromPod(pod, objects, a.documents.config) })
		switch {
		case err == nil:
			checkInvariants(t, req)
			cloud.check(t, req)
		case IsRefused(err) || IsMissingObject(err):
			checkPaths(t, pod, err)
		default:
			t.Errorf("an error of no kind: %v", err)
		}
	})
}

// mix takes those parts of b that have a bit, in the order of the steps.
func mix(a, b *corev1.Pod, parts uint16) *corev1.Pod {
	steps := []func(){
		func() { a.Annotations = b.Annotations },
		func() { a.Spec.Containers = append(a.Spec.Containers, renamed(b.Spec.Containers)...) },
		func() { a.Spec.InitContainers = append(a.Spec.InitContainers, renamed(b.Spec.InitContainers)...) },
		func() { a.Spec.Volumes = b.Spec.Volumes },
		func() { a.Spec.SecurityContext = b.Spec.SecurityContext },
		func() { a.Spec.DNSPolicy, a.Spec.DNSConfig = b.Spec.DNSPolicy, b.Spec.DNSConfig },
		func() { a.Spec.RestartPolicy, a.Spec.Overhead = b.Spec.RestartPolicy, b.Spec.Overhead },
		func() { a.Spec.NodeSelector, a.Spec.Resources = b.Spec.NodeSelector, b.Spec.Resources },
		func() { mixContainers(a.Spec.Containers, b.Spec.Containers, false) },
		func() { mixContainers(a.Spec.Containers, b.Spec.Containers, true) },
		func() { a.Spec.HostAliases, a.Labels, a.Namespace = b.Spec.HostAliases, b.Labels, b.Namespace },
	}
	for i, take := range steps {
		if parts&(1<<i) != 0 {
			take()
		}
	}
	return a
}

// renamed keeps the names of the containers apart.
func renamed(list []corev1.Container) []corev1.Container {
	for i := range list {
		list[i].Name += "-2"
	}
	return list
}

func mixContainers(a, b []corev1.Container, probes bool) {
	if len(a) == 0 || len(b) == 0 {
		return
	}
	if probes {
		a[0].LivenessProbe, a[0].ReadinessProbe, a[0].StartupProbe, a[0].Lifecycle = b[0].LivenessProbe, b[0].ReadinessProbe, b[0].StartupProbe, b[0].Lifecycle
		return
	}
	a[0].Resources, a[0].Env, a[0].SecurityContext, a[0].Ports = b[0].Resources, b[0].Env, b[0].SecurityContext, b[0].Ports
}

// changeLeaf replaces one text, number or truth of the pod; a pod that is none
// any more stays as it was.
func changeLeaf(t *testing.T, pod *corev1.Pod, leaf int, value string) *corev1.Pod {
	t.Helper()
	text, err := json.Marshal(pod)
	if err != nil {
		t.Fatal(err)
	}
	var tree any
	if err := json.Unmarshal(text, &tree); err != nil {
		t.Fatal(err)
	}
	count := 0
	walkLeaves(tree, func(any) any { count++; return nil }, false)
	at := leaf % (count + 1)
	walkLeaves(tree, func(old any) any {
		at--
		if at != 0 {
			return old
		}
		return likeOld(old, value)
	}, true)
	changed := &corev1.Pod{}
	if text, err = json.Marshal(tree); err != nil || !isCheap(text) || json.Unmarshal(text, changed) != nil {
		return pod
	}
	return changed
}

func likeOld(old any, value string) any {
	switch old.(type) {
	case float64:
		if n, err := strconv.ParseInt(value, 10, 64); err == nil {
			return n
		}
		return len(value)
	case bool:
		return len(value)%2 == 0
	}
	return value
}

// walkLeaves visits the leaves in one order; with set it puts what visit returns
// in their place.
func walkLeaves(node any, visit func(any) any, set bool) {
	switch node := node.(type) {
	case map[string]any:
		for _, key := range sortedKeys(node) {
			if isBranch(node[key]) {
				walkLeaves(node[key], visit, set)
			} else if v := visit(node[key]); set {
				node[key] = v
			}
		}
	case []any:
		for i := range node {
			if isBranch(node[i]) {
				walkLeaves(node[i], visit, set)
			} else if v := visit(node[i]); set {
				node[i] = v
			}
		}
	}
}

func isBranch(node any) bool {
	switch node.(type) {
	case map[string]any, []any:
		return true
	}
	return false
}
