package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// vnode is an eci-vnode that a test runs itself, beside the one of the sandbox.
type vnode struct {
	cmd   *exec.Cmd
	log   *os.File
	ended chan error // gets what Wait returned
}

// mustRunVNode starts an eci-vnode for a node, with the account and the rights
// of the sandbox's own, and those that go by the name of the node. The caller ends
// it.
func mustRunVNode(t *testing.T, s *sandbox, node string, args ...string) *vnode {
	t.Helper()
	mustGrantNode(t, s, node)
	log, err := os.CreateTemp(t.TempDir(), node+"-*.log")
	if err != nil {
		t.Fatal(err)
	}
	env := mustReadEnv(t, s.path("emulator.env"))
	v := &vnode{log: log, ended: make(chan error, 1), cmd: vnodeCommand(t, s, append([]string{
		"run", "--nodename=" + node, "--kubelet-port=0", "--internal-ip=" + mustNodeIP(t),
		"--vswitch=" + env["VSWITCH_ID"], "--security-group=" + env["SECURITY_GROUP_ID"],
	}, args...)...)}
	v.cmd.Stdout, v.cmd.Stderr = log, log
	if err := v.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { v.ended <- v.cmd.Wait() }()
	return v
}

// vnodeCommand is eci-vnode with the account and the rights of the sandbox's
// own; the last value of a flag counts.
func vnodeCommand(t *testing.T, s *sandbox, args ...string) *exec.Cmd {
	t.Helper()
	env := mustReadEnv(t, s.path("emulator.env"))
	args = append([]string{args[0], "--kubeconfig=" + s.path("eci-vnode.kubeconfig"), "--region=" + env["REGION"], "--endpoint=" + env["ENDPOINT"]}, args[1:]...)
	cmd := exec.Command(program("eci-vnode"), args...)
	for _, name := range []string{"ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET"} {
		cmd.Env = append(cmd.Env, name+"="+env[name])
	}
	return cmd
}

// mustRunOnce runs a command of eci-vnode that ends by itself.
func mustRunOnce(t *testing.T, s *sandbox, args ...string) (output string, status int) {
	t.Helper()
	cmd := vnodeCommand(t, s, args...)
	text, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(text), cmd.ProcessState.ExitCode()
}

// end kills the process if it runs, and shows the end of its log if the test has
// failed.
func (v *vnode) end(t *testing.T) {
	_ = v.cmd.Process.Kill() // it may have ended
	<-v.ended
	defer v.log.Close()
	if !t.Failed() {
		return
	}
	content, err := os.ReadFile(v.log.Name())
	if err != nil {
		t.Error(err)
	}
	t.Logf("the end of the log of process %d:\n%s", v.cmd.Process.Pid, content[max(0, len(content)-4<<10):])
}

// mustSignal sends a signal to the running process.
func (v *vnode) mustSignal(t *testing.T, signal syscall.Signal) {
	t.Helper()
	if err := v.cmd.Process.Signal(signal); err != nil {
		t.Fatalf("%s: %v", signal, err)
	}
}

// mustEnd waits for the process to end by itself and returns its exit status.
func (v *vnode) mustEnd(t *testing.T) int {
	t.Helper()
	select {
	case err := <-v.ended:
		v.ended <- err
		if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		return v.cmd.ProcessState.ExitCode()
	case <-time.After(patience):
		t.Fatalf("process %d has not ended after %s", v.cmd.Process.Pid, patience)
		return 0
	}
}

// awaitNode waits until a node is ready.
func awaitNode(t *testing.T, s *sandbox, name string) {
	t.Helper()
	eventually(t, "node "+name+" Ready", func() string {
		node, err := s.client.CoreV1().Nodes().Get(t.Context(), name, metav1.GetOptions{})
		if err != nil {
			return err.Error()
		}
		for _, c := range node.Status.Conditions {
			if c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue {
				return ""
			}
		}
		return "it is not"
	})
}

// mustBindPods makes pods that are bound to a node already.
func mustBindPods(t *testing.T, s *sandbox, namespace, node, prefix string, count int, change ...func(*corev1.Pod)) {
	t.Helper()
	for i := range count {
		pod := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("%s-%d", prefix, i)},
			Spec: corev1.PodSpec{
				NodeName: node, TerminationGracePeriodSeconds: new(int64),
				Tolerations: []corev1.Toleration{{Operator: corev1.TolerationOpExists}},
				Containers:  []corev1.Container{{Name: "main", Image: "busybox", Command: []string{"sleep", "100000"}}},
			},
		}
		*pod.Spec.TerminationGracePeriodSeconds = 5
		for _, c := range change {
			c(pod)
		}
		if _, err := s.client.CoreV1().Pods(namespace).Create(t.Context(), pod, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
			t.Fatal(err)
		}
	}
}
