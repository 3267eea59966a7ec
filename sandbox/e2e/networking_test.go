package e2e

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/eci-vnode/eci-vnode/eci"
)

// What the account has beside the vSwitch and the security group of the node.
const (
	sandboxZone         = "cn-hangzhou-i"
	secondVSwitch       = "vsw-second"
	secondSecurityGroup = "sg-second"
)

// networkingCRD is the resource of Terway as far as this test needs it.
const networkingCRD = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: podnetworkings.network.alibabacloud.com
spec:
  group: network.alibabacloud.com
  scope: Cluster
  names: {kind: PodNetworking, plural: podnetworkings}
  versions:
    - name: v1beta1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
`

const networking = `
apiVersion: network.alibabacloud.com/v1beta1
kind: PodNetworking
metadata:
  name: e2e
spec:
  selector:
    podSelector: {matchLabels: {network: second}}
    namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: NAMESPACE}}
  vSwitchOptions: [vsw-second]
  securityGroupIDs: [sg-second]
`

const networkingPods = `
apiVersion: v1
kind: Pod
metadata: {name: selected, labels: {network: second}}
spec:
  containers: [{name: app, image: nginx}]
  terminationGracePeriodSeconds: 1
  nodeSelector: {type: virtual-kubelet}
  tolerations: [{key: virtual-kubelet.io/provider, operator: Exists}]
---
apiVersion: v1
kind: Pod
metadata: {name: other}
spec:
  containers: [{name: app, image: nginx}]
  terminationGracePeriodSeconds: 1
  nodeSelector: {type: virtual-kubelet}
  tolerations: [{key: virtual-kubelet.io/provider, operator: Exists}]
`

func mustApply(t *testing.T, namespace, manifest string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "manifest.yaml")
	if err := os.WriteFile(path, []byte(manifest), 0o600); err != nil {
		t.Fatal(err)
	}
	mustKubectl(t, shared, "apply", "-n", namespace, "-f", path)
}

// TestPodNetworkingPlacesPodsFromTheMomentItIsThere installs the resource in a
// cluster whose node runs already; every other test runs without it.
func TestPodNetworkingPlacesPodsFromTheMomentItIsThere(t *testing.T) {
	t.Parallel()
	cloud, namespace := mustCloud(t, shared), mustNamespace(t, shared)
	mustApply(t, namespace, networkingCRD)
	t.Cleanup(func() {
		if output, err := kubectl(context.Background(), shared, "delete", "crd", "podnetworkings.network.alibabacloud.com"); err != nil {
			t.Errorf("delete the resource: %v\n%s", err, output)
		}
	})
	mustKubectl(t, shared, "wait", "--for=condition=Established", "crd/podnetworkings.network.alibabacloud.com", "--timeout=1m")
	mustApply(t, namespace, strings.ReplaceAll(networking, "NAMESPACE", namespace))
	// What the node knows may be two seconds old: a pod may come too early.
	eventually(t, "a pod in the vSwitch of the PodNetworking", func() string {
		mustKubectl(t, shared, "delete", "pod", "selected", "other", "-n", namespace, "--ignore-not-found")
		mustApply(t, namespace, networkingPods)
		mustKubectl(t, shared, "wait", "--for=condition=Ready", "pod/selected", "pod/other", "-n", namespace, "--timeout=1m")
		placed := map[string]eci.ContainerGroup{}
		for _, groups := range mustLiveGroups(t, cloud, namespace) {
			placed[strings.TrimPrefix(groups[0].ContainerGroupName, namespace+"-")] = groups[0]
		}
		if other := placed["other"]; other.VSwitchID == secondVSwitch || other.SecurityGroupID == secondSecurityGroup {
			t.Fatalf("a pod that is not selected is in %s with %s", other.VSwitchID, other.SecurityGroupID)
		}
		if g := placed["selected"]; g.VSwitchID != secondVSwitch || g.SecurityGroupID != secondSecurityGroup {
			return "it is in " + g.VSwitchID + " with " + g.SecurityGroupID
		}
		return ""
	})
}
