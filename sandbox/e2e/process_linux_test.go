package e2e

import (
	"path/filepath"
	"testing"
)

// mustStartProcesses starts a sandbox whose containers really run: they are of
// the emulator's own small image, as no registry can be reached from here.
func mustStartProcesses(t *testing.T) *sandbox {
	t.Helper()
	dir := t.TempDir()
	s, err := startSandbox(dir, "--apiserver-port=36443", "--etcd-port=32379", "--emulator-port=38080", "--kubelet-port=30250",
		"--emulator-arg=--delays=fast", "--emulator-arg=--runtime=process", "--emulator-arg=--state-dir="+filepath.Join(dir, "containers"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			s.dumpLogs(t.Output())
		}
		if err := s.stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestKubectlWorksOnContainersThatReallyRun(t *testing.T) {
	s := mustStartProcesses(t)
	namespace := mustNamespace(t, s)
	mustRunKubectlPods(t, s, namespace)
	for group, checks := range map[string][]check{
		"logs": logChecks(), "exec": execChecks(), "attach": attachChecks(), "debug": debugChecks(), "cp": copyChecks(t),
	} {
		runChecks(t, s, namespace, group, checks)
	}
	testTransfers(t, s, namespace)
	t.Run("followers", func(t *testing.T) { testFollowers(t, s, namespace) })
}
