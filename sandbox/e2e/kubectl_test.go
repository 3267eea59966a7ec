package e2e

import (
	"bytes"
	"context"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// check is one command of kubectl: what it is given and what it must say.
type check struct {
	name string
	args []string
	in   string
	code int
	// same is that the output is the input.
	same bool
	// out and err are regular expressions for all that is printed, in which (?s)
	// holds; an empty one is that nothing is.
	out, err string
	// after is a second command, with exit code 0, and what it prints.
	after    []string
	afterOut string
}

// run holds what one kubectl did.
type run struct {
	code     int
	out, err string
}

func mustRun(t *testing.T, s *sandbox, in string, args ...string) run {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	args = append([]string{"--kubeconfig=" + s.path("kubeconfig"), "--cache-dir=" + s.path("kubectl-cache")}, args...)
	cmd := exec.CommandContext(ctx, program("kubectl"), args...)
	var out, errOut bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(in), &out, &errOut
	err := cmd.Run()
	if ctx.Err() != nil {
		t.Fatalf("kubectl %s has not ended after %s: out %.300q, err %.300q", strings.Join(args[2:], " "), patience, out.String(), errOut.String())
	}
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return run{cmd.ProcessState.ExitCode(), out.String(), errOut.String()}
}

func (c check) mustHold(t *testing.T, s *sandbox, namespace string) {
	t.Helper()
	got := mustRun(t, s, c.in, append([]string{"-n", namespace}, c.args...)...)
	out := matches(c.out, got.out)
	if c.same {
		out = got.out == c.in
	}
	if got.code != c.code || !out || !matches(c.err, got.err) {
		t.Errorf("kubectl %q\ncode %d, want %d\nout %.500q, want %.500q\nerr %.700q, want %q", c.args, got.code, c.code, got.out, c.out, got.err, c.err)
	}
	if c.after != nil {
		check{args: c.after, out: c.afterOut}.mustHold(t, s, namespace)
	}
}

func matches(pattern, text string) bool {
	return regexp.MustCompile(`(?s)\A` + pattern + `\z`).MatchString(text)
}

// The three kinds of pods: one container, several, init containers; and one that
// has ended and one whose container was restarted.
func kubectlPods() []*corev1.Pod {
	script := func(name, text string) corev1.Container {
		return corev1.Container{Name: name, Image: "busybox", Command: []string{"sh", "-c", text}}
	}
	lines := "echo line 1; echo line 2; echo line 3; sleep 100000"
	one := script("app", lines)
	one.Env = []corev1.EnvVar{{Name: "GREETING", Value: "hello  world"}}
	one.Ports = []corev1.ContainerPort{{ContainerPort: 80}}
	several := []corev1.Container{script("first", "echo from first; sleep 100000"), script("second", "echo from second; sleep 100000")}
	init := []corev1.Container{script("prepare", "echo preparing; exit 0"), script("warm", "echo warming; exit 0")}
	return []*corev1.Pod{
		plainPod("one", corev1.RestartPolicyAlways, one),
		plainPod("debugged", corev1.RestartPolicyAlways, script("app", lines)),
		plainPod("several", corev1.RestartPolicyAlways, several...),
		withInit(plainPod("init", corev1.RestartPolicyAlways, script("app", lines)), init...),
		plainPod("ended", corev1.RestartPolicyNever, script("app", "echo first; echo last; exit 3")),
		plainPod("restarted", corev1.RestartPolicyAlways, script("app", "echo run; sleep 3; exit 1")),
	}
}

func plainPod(name string, policy corev1.RestartPolicy, containers ...corev1.Container) *corev1.Pod {
	grace := int64(0)
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: corev1.PodSpec{
			RestartPolicy: policy, Containers: containers, TerminationGracePeriodSeconds: &grace,
			NodeSelector: map[string]string{"type": "virtual-kubelet"},
			Tolerations:  []corev1.Toleration{{Key: taintKey, Operator: corev1.TolerationOpExists}},
		},
	}
}

func withInit(pod *corev1.Pod, containers ...corev1.Container) *corev1.Pod {
	pod.Spec.InitContainers = containers
	return pod
}

// mustRunKubectlPods creates the pods and waits until they are as they should be.
func mustRunKubectlPods(t *testing.T, s *sandbox, namespace string) {
	t.Helper()
	for _, pod := range kubectlPods() {
		if _, err := s.client.CoreV1().Pods(namespace).Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"one", "several", "init", "debugged"} {
		eventually(t, "pod "+name+" Running", func() string { return notRunning(mustGetPod(t, s, namespace, name)) })
	}
	eventually(t, "pod ended", func() string {
		if phase := mustGetPod(t, s, namespace, "ended").Status.Phase; phase != corev1.PodFailed {
			return "it is " + string(phase)
		}
		return ""
	})
	eventually(t, "pod restarted", func() string {
		for _, c := range mustGetPod(t, s, namespace, "restarted").Status.ContainerStatuses {
			if c.RestartCount > 0 && c.LastTerminationState.Terminated != nil {
				return ""
			}
		}
		return "no restart yet"
	})
}

func TestKubectlWorksAsOnAnyNode(t *testing.T) {
	namespace := mustNamespace(t, shared)
	mustRunKubectlPods(t, shared, namespace)
	for group, checks := range map[string][]check{
		"logs": logChecks(), "exec": execChecks(), "attach": attachChecks(), "debug": debugChecks(), "without tar": withoutTarChecks(),
	} {
		runChecks(t, shared, namespace, group, checks)
	}
}

func runChecks(t *testing.T, s *sandbox, namespace, group string, checks []check) {
	t.Run(group, func(t *testing.T) {
		for _, c := range checks {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				c.mustHold(t, s, namespace)
			})
		}
	})
}
