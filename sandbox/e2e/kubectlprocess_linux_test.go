package e2e

import "testing"

func TestKubectlWorksOnContainersThatReallyRun(t *testing.T) {
	s := mustStartRealSandbox(t, "--metrics-server-port=34443")
	t.Cleanup(func() {
		if t.Failed() {
			s.dumpLogs(t.Output())
		}
		if err := s.stop(); err != nil {
			t.Error(err)
		}
	})
	namespace := mustNamespace(t, s)
	mustStartLoad(t, s, namespace)
	mustRunKubectlPods(t, s, namespace)
	for group, checks := range map[string][]check{
		"logs": logChecks(), "exec": execChecks(), "attach": attachChecks(), "debug": debugChecks(), "cp": copyChecks(t),
	} {
		runChecks(t, s, namespace, group, checks)
	}
	testTransfers(t, s, namespace)
	t.Run("port-forward", func(t *testing.T) { testForwards(t, s, namespace) })
	t.Run("followers", func(t *testing.T) { testFollowers(t, s, namespace) })
	t.Run("sessions", func(t *testing.T) { testSessions(t, s, namespace) })
	t.Run("figures", func(t *testing.T) { checkLoad(t, s, namespace) })
}
