package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/eci-vnode/eci-vnode/eci/openapi"
	"github.com/eci-vnode/eci-vnode/eci/vpc"
	"github.com/eci-vnode/eci-vnode/provider/eip"
)

const (
	annotationEIPAddress = "k8s.aliyun.com/allocated-eipAddress"
	annotationEIPID      = "k8s.aliyun.com/allocated-eipInstanceId"
	// givenEIP is the one that the account of the emulator has from the start.
	givenEIP = "eip-emulator"
)

// eipSettings are those of the node, made quick: addresses that outlive their
// pods are looked after every second. Pods may have the EIP that is given.
const eipSettings = "eip: {garbageCollectionPeriodInMinutes: 0.02}\npermissions: {allow: {eips: [" + givenEIP + "]}}\n"

// mustApplyExample applies a file of examples/, changed by pairs of old and new
// texts.
func mustApplyExample(t *testing.T, namespace, file string, change ...string) {
	t.Helper()
	manifest, err := os.ReadFile(filepath.Join(repository, "examples", file))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(change); i += 2 {
		if !strings.Contains(string(manifest), change[i]) {
			t.Fatalf("%s has no %q", file, change[i])
		}
	}
	path := filepath.Join(t.TempDir(), file)
	if err := os.WriteFile(path, []byte(strings.NewReplacer(change...).Replace(string(manifest))), 0o600); err != nil {
		t.Fatal(err)
	}
	mustKubectl(t, shared, "apply", "-n", namespace, "-f", path)
}

// mustFindEIP returns the EIP of that id, nil for none.
func mustFindEIP(t *testing.T, cloud *openapi.Client, id string) *vpc.EIPAddress {
	t.Helper()
	resp, err := cloud.DescribeEIPAddresses(t.Context(), &vpc.DescribeEIPAddressesRequest{AllocationID: id})
	if err != nil {
		t.Fatal(err)
	}
	if len(resp.EIPAddresses.EIPAddress) == 0 {
		return nil
	}
	return &resp.EIPAddresses.EIPAddress[0]
}

// awaitEIP waits until the pod is ready with its EIP and returns the EIP.
func awaitEIP(t *testing.T, cloud *openapi.Client, namespace, name string) *vpc.EIPAddress {
	t.Helper()
	eventually(t, name+" with its EIP", func() string {
		pod, err := shared.client.CoreV1().Pods(namespace).Get(t.Context(), name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
			return "the pod is not there"
		case err != nil:
			return err.Error()
		case eipCondition(pod).Status != corev1.ConditionTrue || !isReady(pod) || pod.Annotations[annotationEIPAddress] == "":
			return fmt.Sprintf("%s, conditions %+v", notRunning(pod), pod.Status.Conditions)
		}
		return ""
	})
	pod := mustGetPod(t, shared, namespace, name)
	found := mustFindEIP(t, cloud, pod.Annotations[annotationEIPID])
	if found == nil || found.IPAddress != pod.Annotations[annotationEIPAddress] || found.InstanceID != pod.Annotations["k8s.aliyun.com/eni-instance-id"] {
		t.Fatalf("the annotations %v are not those of the EIP %+v", pod.Annotations, found)
	}
	if reason := eipCondition(pod).Reason; reason != eip.ReasonSucceeded {
		t.Errorf("the reason is %q", reason)
	}
	return found
}

func eipCondition(pod *corev1.Pod) corev1.PodCondition {
	for _, c := range pod.Status.Conditions {
		if c.Type == eip.ConditionEIP {
			return c
		}
	}
	return corev1.PodCondition{}
}

// awaitReleased waits until the account does not hold the EIP any more.
func awaitReleased(t *testing.T, cloud *openapi.Client, id string) {
	t.Helper()
	eventually(t, "the release of "+id, func() string {
		if found := mustFindEIP(t, cloud, id); found != nil {
			return "it is " + found.Status
		}
		return ""
	})
}

// TestExamplesOfPodsWithAnEIPOfTheirOwn runs those whose EIP is bought for the pod
// and ends with it.
func TestExamplesOfPodsWithAnEIPOfTheirOwn(t *testing.T) {
	t.Parallel()
	for name, bandwidth := range map[string]string{"eip-auto": "10", "eip-bandwidth": "50", "eip-readiness-gate": "5", "eip-init-container": "5"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cloud, namespace := mustCloud(t, shared), mustNamespace(t, shared)
			mustApplyExample(t, namespace, name+".yaml")
			bound := awaitEIP(t, cloud, namespace, name)
			if bound.EIPBandwidth != bandwidth {
				t.Errorf("it has %s Mbit/s, want %s", bound.EIPBandwidth, bandwidth)
			}
			switch name {
			case "eip-init-container":
				checkAddressIsInside(t, namespace, bound.IPAddress)
			case "eip-bandwidth":
				if bound.BandwidthPackageID != "cbwp-emulator" || bound.InternetChargeType != vpc.PayByTraffic || bound.Name != "web" || bound.Tag("team") != "web" {
					t.Errorf("it is not bought as the example says: %+v", bound)
				}
			}
			mustKubectl(t, shared, "delete", "pod", name, "-n", namespace)
			awaitReleased(t, cloud, bound.AllocationID)
		})
	}
}

// TestAnInitContainerMayWaitForPodIPsToo changes the example to the annotation
// that the documents of ACS wait for, which is known only after the group is made.
func TestAnInitContainerMayWaitForPodIPsToo(t *testing.T) {
	t.Parallel()
	cloud, namespace := mustCloud(t, shared), mustNamespace(t, shared)
	mustApplyExample(t, namespace, "eip-init-container.yaml", "k8s.aliyun.com/allocated-eipAddress=", "k8s.aliyun.com/pod-ips=")
	bound := awaitEIP(t, cloud, namespace, "eip-init-container")
	pod := mustGetPod(t, shared, namespace, "eip-init-container")
	if got := pod.Annotations["k8s.aliyun.com/pod-ips"]; got == "" || got != pod.Status.PodIP {
		t.Errorf("pod-ips is %q, the address %q", got, pod.Status.PodIP)
	}
	if n := pod.Status.ContainerStatuses[0].RestartCount; n != 0 {
		t.Errorf("the application was restarted %d times", n)
	}
	mustKubectl(t, shared, "delete", "pod", pod.Name, "-n", namespace)
	awaitReleased(t, cloud, bound.AllocationID)
}

// checkAddressIsInside reads what the container group was made with: nothing of
// it can have been changed later.
func checkAddressIsInside(t *testing.T, namespace, address string) {
	t.Helper()
	pod := mustGetPod(t, shared, namespace, "eip-init-container")
	for _, s := range append(slices.Clone(pod.Status.InitContainerStatuses), pod.Status.ContainerStatuses...) {
		if s.RestartCount != 0 {
			t.Errorf("%s was restarted %d times", s.Name, s.RestartCount)
		}
	}
	shown := mustKubectl(t, shared, "exec", pod.Name, "-c", "app", "-n", namespace, "--", "sh", "-c", "echo $PUBLIC_ADDRESS")
	if strings.TrimSpace(shown) != address {
		t.Errorf("the container has %q, want %s", shown, address)
	}
}

func TestTheExampleWithAGivenEIPLeavesItBehind(t *testing.T) {
	t.Parallel()
	cloud, namespace := mustCloud(t, shared), mustNamespace(t, shared)
	mustApplyExample(t, namespace, "eip-given.yaml")
	if bound := awaitEIP(t, cloud, namespace, "eip-given"); bound.AllocationID != givenEIP {
		t.Errorf("it has %s", bound.AllocationID)
	}
	mustApplyExample(t, namespace, "eip-given.yaml", "name: eip-given", "name: second")
	eventually(t, "the refusal of a second pod with the same EIP", func() string {
		if pod := mustGetPod(t, shared, namespace, "second"); !strings.Contains(pod.Status.Message, givenEIP+" serves pod "+namespace+"/eip-given") {
			return "its message is " + pod.Status.Message
		}
		return ""
	})
	mustKubectl(t, shared, "delete", "pod", "second", "eip-given", "-n", namespace)
	eventually(t, "the end of the binding", func() string {
		if found := mustFindEIP(t, cloud, givenEIP); found == nil || found.Status != vpc.StatusAvailable {
			return fmt.Sprintf("it is %+v", found)
		}
		return ""
	})
}

func TestTheExampleWithAFixedAddressKeepsItUntilItsTimeIsOver(t *testing.T) {
	t.Parallel()
	cloud, namespace := mustCloud(t, shared), mustNamespace(t, shared)
	mustApplyExample(t, namespace, "eip-statefulset-fixed.yaml", "release-strategy: 10m", "release-strategy: 5s")
	first := awaitEIP(t, cloud, namespace, "eip-fixed-0")
	before := mustGetPod(t, shared, namespace, "eip-fixed-0").UID
	if shown := mustKubectl(t, shared, "get", "podeips", "-n", namespace, "--no-headers"); !strings.Contains(shown, first.IPAddress) || !strings.Contains(shown, "TTL") {
		t.Errorf("kubectl get podeips shows %s", shown)
	}

	mustKubectl(t, shared, "delete", "pod", "eip-fixed-0", "-n", namespace)
	eventually(t, "the successor", func() string {
		pod, err := shared.client.CoreV1().Pods(namespace).Get(t.Context(), "eip-fixed-0", metav1.GetOptions{})
		if err != nil || pod.UID == before {
			return "it is not there: " + text(err)
		}
		return ""
	})
	if second := awaitEIP(t, cloud, namespace, "eip-fixed-0"); second.AllocationID != first.AllocationID || second.IPAddress != first.IPAddress {
		t.Errorf("the successor has %s (%s), want %s (%s)", second.AllocationID, second.IPAddress, first.AllocationID, first.IPAddress)
	}

	mustKubectl(t, shared, "delete", "statefulset", "eip-fixed", "-n", namespace)
	awaitReleased(t, cloud, first.AllocationID)
	eventually(t, "the end of the record", func() string {
		return strings.TrimSuffix(mustKubectl(t, shared, "get", "podeips", "-n", namespace, "--no-headers", "--ignore-not-found"), "\n")
	})
}

// TestTheTerraformExampleSaysWhatTheManifestSays compares the annotations of the
// two; the manifest is applied above.
func TestTheTerraformExampleSaysWhatTheManifestSays(t *testing.T) {
	hcl, err := os.ReadFile(filepath.Join(repository, "examples", "terraform", "main.tf"))
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := os.ReadFile(filepath.Join(repository, "examples", "eip-auto.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var pod corev1.Pod
	if err := yaml.Unmarshal(manifest, &pod); err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, pair := range regexp.MustCompile(`(?m)^\s*"([a-z0-9.]+/[a-z-]+)"\s*=\s*"([^"]*)"`).FindAllStringSubmatch(string(hcl), -1) {
		if found++; pod.Annotations[pair[1]] != pair[2] {
			t.Errorf("%s is %q in HCL and %q in the manifest", pair[1], pair[2], pod.Annotations[pair[1]])
		}
	}
	if found != len(pod.Annotations) {
		t.Errorf("the HCL has %d annotations, the manifest %d", found, len(pod.Annotations))
	}
}
