package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// mustStartRealSandbox starts a sandbox beside the shared one whose containers
// really run. Where they cannot, the test fails and the sandbox says why.
func mustStartRealSandbox(t *testing.T, args ...string) *sandbox {
	t.Helper()
	args = append(args, "--runtime=process", "--emulator-arg=--delays=fast",
		"--apiserver-port=36443", "--etcd-port=32379", "--emulator-port=38080", "--kubelet-port=30250")
	s, err := startSandbox(t.TempDir(), args...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestTheExamplesBehaveAsOnAKubelet applies the examples that need real
// containers, all at once, and looks at each. At the end the sandbox is killed:
// `down` leaves nothing.
func TestTheExamplesBehaveAsOnAKubelet(t *testing.T) {
	s := mustStartRealSandbox(t)
	ended := false
	t.Cleanup(func() {
		if t.Failed() {
			s.dumpLogs(t.Output())
		}
		if !ended {
			_ = s.stop() // the test has failed already
		}
	})
	for _, name := range []string{"cronjob", "nginx", "probes", "hooks", "files", "job-failing"} {
		mustKubectl(t, s, "apply", "-f", filepath.Join(repository, "examples", name+".yaml"))
	}
	t.Run("a web server answers at its pod's address", func(t *testing.T) { checkWebServer(t, s) })
	t.Run("files of a ConfigMap, of a Secret and of an init container are read", func(t *testing.T) { checkFiles(t, s) })
	t.Run("a job fails for an exit code", func(t *testing.T) { checkFailingJob(t, s) })
	t.Run("hooks run after the start and before the end", func(t *testing.T) { checkHooks(t, s) })
	t.Run("a container has the whole grace period of its pod", func(t *testing.T) { checkGrace(t, s) })
	t.Run("probes make a pod ready and restart a container", func(t *testing.T) { checkProbes(t, s) })
	t.Run("a CronJob runs each minute", func(t *testing.T) { checkCronJob(t, s) })
	t.Run("a sandbox that was killed leaves nothing after down", func(t *testing.T) {
		ended = true
		checkNothingIsLeft(t, s)
	})
}

func checkWebServer(t *testing.T, s *sandbox) {
	eventually(t, "pod nginx Running", func() string { return notRunning(mustGetPod(t, s, "default", "nginx")) })
	var body []byte
	eventually(t, "an answer of nginx", func() string {
		response, err := http.Get("http://" + mustGetPod(t, s, "default", "nginx").Status.PodIP + "/")
		if err != nil {
			return err.Error()
		}
		defer response.Body.Close()
		body, err = io.ReadAll(response.Body)
		if response.StatusCode != http.StatusOK {
			return "it says " + response.Status
		}
		return text(err)
	})
	if !bytes.Contains(body, []byte("nginx")) {
		t.Errorf("the page does not name its image: %s", body)
	}
	eventually(t, "an event that tells of the stand-in", func() string {
		if strings.Contains(mustKubectl(t, s, "get", "events"), "ImageStandIn") {
			return ""
		}
		return "there is none"
	})
}

func checkFiles(t *testing.T, s *sandbox) {
	eventually(t, "pod files Succeeded", func() string { return notInPhase(mustGetPod(t, s, "default", "files"), corev1.PodSucceeded) })
	const want = "Hello from a ConfigMap\nwritten by files\n" +
		"41ef4bb0b23661e66301aac36066912dac037827b4ae63a7b1165a5aa93ed4eb  -\n400\n"
	if log := mustKubectl(t, s, "logs", "files", "-c", "read"); log != want {
		t.Errorf("it printed %q, want %q", log, want)
	}
}

func notInPhase(pod *corev1.Pod, phase corev1.PodPhase) string {
	if pod.Status.Phase == phase {
		return ""
	}
	return fmt.Sprintf("it is %s: %+v", pod.Status.Phase, pod.Status.ContainerStatuses)
}

func checkFailingJob(t *testing.T, s *sandbox) {
	eventually(t, "job failing Failed by its policy", func() string {
		job, err := s.client.BatchV1().Jobs("default").Get(t.Context(), "failing", metav1.GetOptions{})
		if err != nil {
			return err.Error()
		}
		for _, condition := range job.Status.Conditions {
			if condition.Type == batchv1.JobFailed && condition.Reason == batchv1.JobReasonPodFailurePolicy {
				return ""
			}
		}
		return fmt.Sprintf("its conditions are %+v", job.Status.Conditions)
	})
	pods := podsOf(t, s, "job-name=failing")
	if len(pods) != 1 {
		t.Fatalf("%d pods of the job, want 1", len(pods))
	}
	state := pods[0].Status.ContainerStatuses[0].State.Terminated
	if state == nil || state.ExitCode != 42 || state.Message != "no such table\n" || state.Reason != "Error" {
		t.Errorf("the container ended with %+v", state)
	}
}

func podsOf(t *testing.T, s *sandbox, selector string) []corev1.Pod {
	t.Helper()
	pods, err := s.client.CoreV1().Pods("default").List(t.Context(), metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		t.Fatal(err)
	}
	return pods.Items
}

// checkHooks deletes the pod and reads its log to the end meanwhile.
func checkHooks(t *testing.T, s *sandbox) {
	eventually(t, "both lines of the start", func() string {
		log, err := kubectl(t.Context(), s, "logs", "hooks")
		return unless(strings.Contains(log, "running\n") && strings.Contains(log, "postStart\n"), log, err)
	})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var log bytes.Buffer
	follow := exec.CommandContext(ctx, program("kubectl"), "--kubeconfig="+s.path("kubeconfig"), "logs", "-f", "hooks")
	follow.Stdout = &log
	if err := follow.Start(); err != nil {
		t.Fatal(err)
	}
	mustKubectl(t, s, "delete", "pod", "hooks", "--timeout=2m")
	if err := follow.Wait(); err != nil {
		t.Errorf("kubectl logs -f: %v", err)
	}
	if !strings.HasSuffix(log.String(), "preStop\nended by TERM\n") {
		t.Errorf("the log is %q, want the hook's line and then the trap's at its end", log.String())
	}
}

// checkProbes needs no readiness at one instant: the container of the example is
// restarted again and again.
func checkProbes(t *testing.T, s *sandbox) {
	eventually(t, "pod probes Ready", func() string {
		if pod := mustGetPod(t, s, "default", "probes"); !isReady(pod) {
			return fmt.Sprintf("it is not: %+v", pod.Status.ContainerStatuses)
		}
		return ""
	})
	eventually(t, "a restart", func() string {
		for _, c := range mustGetPod(t, s, "default", "probes").Status.ContainerStatuses {
			if last := c.LastTerminationState.Terminated; c.Name == "app" && c.RestartCount > 0 && last != nil && last.ExitCode == 143 {
				return ""
			}
		}
		return fmt.Sprintf("none yet: %+v", mustGetPod(t, s, "default", "probes").Status.ContainerStatuses)
	})
	events := mustKubectl(t, s, "get", "events")
	for _, part := range []string{"Readiness probe failed", "Liveness probe failed", "failed liveness probe, will be restarted"} {
		if !strings.Contains(events, part) {
			t.Errorf("no event says %q:\n%s", part, events)
		}
	}
}

func checkCronJob(t *testing.T, s *sandbox) {
	eventually(t, "a job of the CronJob", func() string {
		jobs, err := s.client.BatchV1().Jobs("default").List(t.Context(), metav1.ListOptions{})
		if err != nil {
			return err.Error()
		}
		for _, job := range jobs.Items {
			if owner := metav1.GetControllerOf(&job); owner != nil && owner.Kind == "CronJob" && job.Status.Succeeded == 1 {
				return ""
			}
		}
		return "none has succeeded"
	})
	pods := podsOf(t, s, "batch.kubernetes.io/job-name")
	for _, pod := range pods {
		if pod.Status.Phase == corev1.PodSucceeded && strings.HasPrefix(pod.Name, "tick-") {
			if log := mustKubectl(t, s, "logs", pod.Name); !strings.HasSuffix(log, "ticked\n") {
				t.Errorf("it printed %q", log)
			}
			return
		}
	}
	t.Errorf("no pod of the CronJob is Succeeded: %v", pods)
}

// downTime bounds `eci-sandbox down` on a busy machine.
const downTime = 2 * time.Minute
