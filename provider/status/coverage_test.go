package status

import (
	"os"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// documentedReasons are those of the conditions that the platform writes, and the
// other types that it lists. Source: product document "Custom conditions".
func documentedReasons() map[corev1.PodConditionType][]string {
	return map[corev1.PodConditionType][]string{
		ConditionInstanceCreated: {"Creating", "StockExhaust", "NoStock", "StockClose", "FailedScheduling", "UnknownError",
			"SpotToBeReleased", "DiskCapacityQuotaFull", "CpuOptionsNotSupported", "CpuOptionsNotValid", "SystemFailureReboot",
			"SystemReboot", "Throttling", "SpotDegraded", "AutoInstanceTypeMatch", "MultiZoneRecommendations"},
		"SandboxReady":                   {"SystemFailure.Reboot", "InstanceFailure.Reboot", "SystemFailure.Redeploy"},
		"ContainerHasSufficientDisk":     {""},
		"Unschedulable":                  {""},
		corev1.PodReadyToStartContainers: {""},
		corev1.PodInitialized:            {"", "ContainersNotInitialized", "PodCompleted"},
		corev1.ContainersReady:           {"", "ContainersNotReady", "PodCompleted", "PodFailed"},
		corev1.PodReady:                  {"", "ContainersNotReady", "PodCompleted", "PodFailed", "ReadinessGatesNotReady"},
		corev1.PodScheduled:              {""},
		corev1.PodResizePending:          {"Infeasible"},
	}
}

// kubeletReasons are those of containers that a user meets.
func kubeletReasons() []string {
	return []string{"ContainerCreating", "PodInitializing", "ErrImagePull", "ImagePullBackOff", "CrashLoopBackOff",
		"CreateContainerConfigError", "Completed", "Error", "OOMKilled", "ContainerStatusUnknown", "ContainerCannotRun"}
}

// TestEveryStateAndReasonHasAGolden wants a case for every row of the lifecycle,
// and one that shows each reason.
func TestEveryStateAndReasonHasAGolden(t *testing.T) {
	states, conditions, reasons := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, file := range mustCases(t) {
		in := mustReadInput(t, file)
		states[in.Group.Status] = true
		out := mustReadOutput(t, strings.TrimSuffix(file, ".in.yaml")+".out.yaml")
		for _, c := range out.Conditions {
			conditions[string(c.Type)+" "+c.Reason] = true
		}
		for _, list := range [][]corev1.ContainerStatus{out.InitContainerStatuses, out.ContainerStatuses, out.EphemeralContainerStatuses} {
			for _, s := range list {
				noteReasons(reasons, s.State)
				noteReasons(reasons, s.LastTerminationState)
			}
		}
	}
	for _, s := range statesOfGroups() {
		if !states[s] {
			t.Errorf("no golden has the state %s", s)
		}
	}
	for kind, list := range documentedReasons() {
		for _, reason := range list {
			if !conditions[string(kind)+" "+reason] {
				t.Errorf("no golden shows condition %s with reason %q", kind, reason)
			}
		}
	}
	for _, reason := range kubeletReasons() {
		if !reasons[reason] {
			t.Errorf("no golden shows a container with reason %s", reason)
		}
	}
}

func statesOfGroups() []string {
	var names []string
	for _, s := range states() {
		names = append(names, s.name)
	}
	return names
}

func noteReasons(reasons map[string]bool, s corev1.ContainerState) {
	if s.Waiting != nil {
		reasons[s.Waiting.Reason] = true
	}
	if s.Terminated != nil {
		reasons[s.Terminated.Reason] = true
	}
}

func mustReadOutput(t *testing.T, file string) corev1.PodStatus {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out struct {
		Status      corev1.PodStatus  `json:"status"`
		Annotations map[string]string `json:"annotations"`
	}
	if err := yaml.UnmarshalStrict(text, &out); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return out.Status
}
